import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { sharedFilesIn, sharingFile } from './0447.js';

const share = (file: string, source: string): string =>
  `<file-sharing xmlns='urn:xmpp:sfs:0' disposition='inline'>${file}<sources>${source}</sources></file-sharing>`;
const url = 'https://download.montague.lit/4a771ac1-f0b2-4a4a-9700-f2a26fa2bb67/summit.jpg';
const source = `<url-data xmlns='http://jabber.org/protocol/url-data' target='${url}'/>`;
const read = (text: string) => sharedFilesIn(readStanza(`<message>${text}</message>`));

describe('stateless file sharing (XEP-0447)', () => {
  test('a file is told with what is known of it', () => {
    expect(
      read(
        share(
          `<file xmlns='urn:xmpp:file:metadata:0'><media-type>image/jpeg</media-type><name>summit.jpg</name><size>3032449</size><width>4096</width><desc>Photo from the summit.</desc></file>`,
          `<jinglepub xmlns='urn:xmpp:jinglepub:1' from='romeo@montague.lit/resource' id='9559976B'/>${source}`,
        ),
      ),
    ).toEqual([
      {
        url,
        name: 'summit.jpg',
        mediaType: 'image/jpeg',
        size: 3_032_449,
        description: 'Photo from the summit.',
      },
    ]);
    expect(read(share('', source))).toEqual([{ url }]);
  });

  test('a file without an address on the web is none', () => {
    expect(read(share('', ''))).toEqual([]);
    expect(
      read(share('', `<url-data xmlns='http://jabber.org/protocol/url-data' target='file:///etc/passwd'/>`)),
    ).toEqual([]);
    expect(read(share('', `<url-data xmlns='urn:evil' target='${url}'/>`))).toEqual([]);
    expect(read(share('', source).repeat(30))).toHaveLength(20);
  });

  test('ours is what others read', () => {
    const file = { url, name: 'a.txt', mediaType: 'text/plain', size: 3 };
    expect(read(serialise(sharingFile(file)))).toEqual([file]);
  });
});
