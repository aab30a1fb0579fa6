# The studio in a container; also what a Hugging Face Space of the kind "docker" runs (app_port: 8501, user 1000).
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends fluidsynth \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 studio

USER studio
WORKDIR /home/studio/app

# On a machine without a GPU the default torch brings GB of CUDA for nothing; extra arguments to pip may ask for another.
ARG PIP_ARGS=""
COPY --chown=studio requirements.txt constraints.txt ./
RUN pip install --user --no-cache-dir --disable-pip-version-check ${PIP_ARGS} -r requirements.txt

COPY --chown=studio . .

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "app.py", "--server.port=8501", "--server.address=0.0.0.0"]
