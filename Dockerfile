# fpsolve with the HDF5 library inside, on a bare Debian:
#   docker build -t fpsolve .
#   docker run --rm -v "$PWD:/work" fpsolve scenario mine.toml
FROM rust:1-slim-trixie AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential cmake make python3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN make static

FROM debian:trixie-slim
COPY --from=build /source/target/static/release/fpsolve /usr/local/bin/fpsolve
COPY --from=build /source/scenarios /usr/local/share/fpsolve/scenarios
WORKDIR /work
ENTRYPOINT ["fpsolve"]
CMD ["--help"]
