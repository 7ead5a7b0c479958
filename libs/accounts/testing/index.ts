export { House, openHouse, type Answer, type Asking, type HouseOptions, type Somebody } from './house.js';
export { paperConnector } from './paper.connector.js';
