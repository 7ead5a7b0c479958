FROM node:20-bookworm-slim AS build
WORKDIR /parley
COPY . .
RUN npm run ready && npm prune --omit=dev --ignore-scripts

FROM node:20-bookworm-slim
WORKDIR /parley
RUN mkdir /data && chown node:node /data
COPY --from=build /parley/package.json ./
COPY --from=build /parley/node_modules ./node_modules
COPY --from=build /parley/dist ./dist
COPY --from=build /parley/prisma ./prisma
COPY --from=build /parley/apps/server/page ./apps/server/page
ENV NODE_ENV=production PARLEY_HOST=0.0.0.0 PARLEY_DATA_DIR=/data
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --start-period=30s CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/apps/server/src/main.js"]
