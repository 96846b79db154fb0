# The grader in a container: docs/docker.md. `make image` builds it, `make image-test` builds and tries it.
#
# The default base has CUDA's compiler, for machines with a GPU; the tag is one of NVIDIA's on Docker Hub
# (https://hub.docker.com/r/nvidia/cuda). A plain debian:12 or ubuntu:24.04 does as well for the CPU and cuda-sim.
# For images that must come out the same in years, name the base by digest: nvidia/cuda@sha256:...
ARG BASE_IMAGE=nvidia/cuda:13.0.1-devel-ubuntu24.04
FROM ${BASE_IMAGE}

# What compiles submissions. binutils has addr2line, by which cuda-sim finds lines; tini ends and reaps what is left over.
# bubblewrap boxes a submission in containers that may make namespaces; the others have Landlock, which is the kernel's.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        binutils bubblewrap ca-certificates g++ python3-dev python3-venv tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/log/apt /var/log/dpkg.log

# The versions of the lock; `cryptography` signs verified grades, and its version is in the course's lock. PyTorch's CPU
# build judges, also where a GPU computes: 0.2 GB to download, not 3. What it brings for C++ extensions is not needed.
# The secrets are what the place that builds tells its own pip (a mirror, a proxy's certificates): they are in no layer.
ARG TORCH_VERSION=2.13.0
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.lock requirements-course.lock /opt/grader/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.crt,target=/run/secrets/ca.crt \
    python3 -m venv /opt/venv \
    && pip() { /opt/venv/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check "$@"; } \
    && pip --requirement /opt/grader/requirements.lock cryptography --constraint /opt/grader/requirements-course.lock \
    && { pip --no-deps "torch==${TORCH_VERSION}+cpu" 2>/dev/null \
        || pip --no-deps "torch==${TORCH_VERSION}+cpu" --index-url "${TORCH_INDEX}"; } \
    && rm -rf /opt/venv/lib/python3*/site-packages/torch/include /opt/venv/lib/python3*/site-packages/torch/test

# The engine, the suite and the entry point: .dockerignore lets nothing else in. The suite is collected once, which shows
# that all of it can be imported, and leaves its compiled form for a file system that will be read-only. cuda-sim's
# runtime, the same for every tree and every machine, is compiled here.
COPY . /opt/grader/
WORKDIR /opt/grader
RUN /opt/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . \
    && /opt/venv/bin/python -m compileall -q grader docker \
    && /opt/venv/bin/python -m pytest --collect-only -q -p no:cacheprovider --device cpu > /dev/null \
    && GRADER_CACHE=/opt/cache /opt/venv/bin/python -c \
        'import pathlib, tempfile; from grader.cudasim import runtime; runtime.objects(pathlib.Path(tempfile.mkdtemp()))' \
    && chmod -R a+rX /opt/cache && rm -rf /tmp/*

# Any uid will do (--user), also one without a name, so everything that is written goes to the temporary folder.
# 1000 is whoever was the first to get an account on the host, and so mostly the owner of the folder mounted at /out.
ENV PATH="/opt/venv/bin:${PATH}" HOME=/tmp LC_ALL=C.UTF-8 PYTHONUNBUFFERED=1 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 1000:1000
HEALTHCHECK --interval=2m --timeout=30s --start-period=30s CMD ["python", "/opt/grader/docker/entrypoint.py", "health"]
ENTRYPOINT ["tini", "-s", "-g", "--", "python", "/opt/grader/docker/entrypoint.py"]
