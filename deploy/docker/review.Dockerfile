# Review page.
# docker build -f deploy/docker/review.Dockerfile -t spotted/review:0.1.0 .
ARG PYTHON_IMAGE=python:3.11.15-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY requirements/build.lock requirements/review.lock requirements/
RUN python -m pip install --require-hashes --only-binary=:all: --requirement requirements/build.lock \
    && python -m venv --without-pip /opt/spotted \
    && python -m pip --python /opt/spotted install \
        --require-hashes --only-binary=:all: --requirement requirements/review.lock
COPY pyproject.toml README.md LICENSE ./
COPY spotted spotted
COPY services services
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m pip --python /opt/spotted install --no-deps --no-index /wheels/*.whl

FROM ${PYTHON_IMAGE} AS base
LABEL org.opencontainers.image.title="Spotted review page" org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/spotted/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
# a volume mounted here begins with this owner
RUN install -d -o 10001 -g 10001 /data
USER 10001:10001
EXPOSE 7104
ENTRYPOINT ["python", "-m", "services.review"]

FROM base AS serve
COPY --from=build /opt/spotted /opt/spotted
