# The image of a node. It holds no key, no configuration and no share: those are mounted.

FROM node:26-bookworm-slim AS manifests
WORKDIR /opt/quorate
COPY package.json package-lock.json .npmrc ./
COPY packages/protocol/package.json packages/protocol/
COPY packages/storage/package.json packages/storage/
COPY packages/node/package.json packages/node/

FROM manifests AS build
RUN npm ci
COPY tsconfig.base.json ./
COPY packages packages
RUN node_modules/.bin/tsc -b packages/node packages/protocol/native

# Nothing compiles at installation (.npmrc: ignore-scripts): LevelDB and libsodium come prebuilt.
FROM manifests AS dependencies
RUN npm ci --omit=dev

FROM node:26-bookworm-slim AS party
# The folder's owner becomes that of an empty volume mounted there.
RUN groupadd --gid 10001 quorate \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/quorate --shell /usr/sbin/nologin quorate \
  && install -d -m 0700 -o quorate -g quorate /var/lib/quorate \
  && ln -s /opt/quorate/packages/node/bin/quorate.mjs /usr/local/bin/quorate
WORKDIR /opt/quorate
# Everything belongs to root: the node cannot change its own code.
COPY --from=dependencies /opt/quorate ./
COPY --from=build /opt/quorate/packages/protocol/dist packages/protocol/dist
COPY --from=build /opt/quorate/packages/protocol/dist-native packages/protocol/dist-native
COPY --from=build /opt/quorate/packages/storage/dist packages/storage/dist
COPY --from=build /opt/quorate/packages/node/dist packages/node/dist
COPY packages/node/bin packages/node/bin
ENV NODE_ENV=production QUORATE_DATA=/var/lib/quorate
USER 10001:10001
WORKDIR /var/lib/quorate
EXPOSE 4001
ENTRYPOINT ["quorate"]
CMD ["start"]

# TESTNET ONLY: one container that makes all parties and so sees all their folders. Never part of the image of a node.
FROM party AS testnet-init
LABEL org.quorate.testnet-only="true"
USER root
RUN install -d -m 0700 -o quorate -g quorate \
  /testnet/alice /testnet/bob /testnet/carol /testnet/dave /testnet/erin /testnet/client
COPY scripts/compose/init.ts /opt/quorate/testnet/
USER 10001:10001
WORKDIR /testnet
ENTRYPOINT ["node", "/opt/quorate/testnet/init.ts"]
CMD ["alice", "bob", "carol", "dave", "erin"]

FROM party
