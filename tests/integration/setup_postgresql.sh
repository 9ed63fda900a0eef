#!/usr/bin/env bash
# A PostgreSQL server on this machine, from Debian packages, for tests/integration. To be run as root.
set -euo pipefail

apt-get install -y -q postgresql >/dev/null
pg_ctlcluster 15 main start 2>/dev/null || service postgresql start
for _ in $(seq 20); do pg_isready -q && break || sleep 0.5; done
runuser -u postgres -- psql -q -v ON_ERROR_STOP=0 <<'SQL' 2>/dev/null || true
CREATE ROLE mlflow LOGIN PASSWORD 'mlflow';
SQL
runuser -u postgres -- psql -q -c "DROP DATABASE IF EXISTS mlflow WITH (FORCE)" -c "CREATE DATABASE mlflow OWNER mlflow"
echo "postgresql+psycopg://mlflow:mlflow@127.0.0.1:5432/mlflow"
