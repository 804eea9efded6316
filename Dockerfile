# One image for every process of Beamline. Which one runs is said by the argument:
#   /app/operator/kubernetes-main.js   the operator
#   /app/router/main.js                a router
#   /app/controlplane/main.js          the control plane
#   /app/cli/main.js                   the command `beamline`
# test/cluster/product-image.ts makes an image of the same content without Docker; a test compares the two.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc tsconfig.base.json ./
COPY cli/package.json cli/
COPY controlplane/client/package.json controlplane/client/
COPY proto/package.json proto/
RUN npm ci
COPY core core/
COPY runtime runtime/
COPY kubernetes kubernetes/
COPY router router/
COPY operator operator/
COPY controlplane controlplane/
COPY cli cli/
COPY proto proto/
RUN npx tsc -b core runtime kubernetes router operator controlplane cli proto \
  && find dist -type f ! -name '*.js' ! -name package.json -delete

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY cli/package.json cli/
COPY controlplane/client/package.json controlplane/client/
COPY proto/package.json proto/
# Without the links to our own workspaces, which nothing imports by name.
RUN npm ci --omit=dev \
  && rm -rf node_modules/.bin node_modules/.package-lock.json node_modules/beamline node_modules/@beamline

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules/
COPY package.json ./
COPY crds crds/
COPY --from=build /src/dist/core core/
COPY --from=build /src/dist/runtime runtime/
COPY --from=build /src/dist/kubernetes kubernetes/
COPY --from=build /src/dist/router router/
COPY --from=build /src/dist/operator operator/
COPY --from=build /src/dist/controlplane controlplane/
COPY --from=build /src/dist/cli cli/
COPY --from=build /src/dist/proto/gen proto/gen/
# The user of Kubernetes' runAsNonRoot, which must see a number.
USER 65532:65532
ENTRYPOINT ["node"]
CMD ["/app/cli/main.js", "--help"]
