# Sampler.
# docker build -f deploy/docker/sampler.Dockerfile -t spotted/sampler:0.1.0 .
ARG PYTHON_IMAGE=python:3.11.15-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY requirements/build.lock requirements/sampler.lock requirements/
RUN python -m pip install --require-hashes --only-binary=:all: --requirement requirements/build.lock \
    && python -m venv --without-pip /opt/spotted \
    && python -m pip --python /opt/spotted install \
        --require-hashes --only-binary=:all: --requirement requirements/sampler.lock
COPY pyproject.toml README.md LICENSE ./
COPY spotted spotted
COPY services services
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m pip --python /opt/spotted install --no-deps --no-index /wheels/*.whl

# Adds torch on CPUs, which strategies that retrain need: --target train
FROM build AS build-train
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements/train.lock requirements/
RUN python -m pip --python /opt/spotted install \
        --require-hashes --only-binary=:all: \
        --extra-index-url ${TORCH_INDEX} --requirement requirements/train.lock

FROM ${PYTHON_IMAGE} AS base
LABEL org.opencontainers.image.title="Spotted sampler" org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/spotted/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
COPY deploy/docker/healthy.py /opt/healthy.py
USER 10001:10001
EXPOSE 7103
ENTRYPOINT ["python", "-m", "services.sampler"]

FROM base AS train
COPY --from=build-train /opt/spotted /opt/spotted

FROM base AS serve
COPY --from=build /opt/spotted /opt/spotted
