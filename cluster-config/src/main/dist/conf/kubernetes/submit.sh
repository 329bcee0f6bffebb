#!/usr/bin/env bash
# Submits one command to Kubernetes: IMAGE=... MASTER=k8s://https://HOST:6443 submit.sh COMMAND ...
set -euo pipefail

: "${SPARK_HOME:?set it to a Spark 3.5 installation for Scala 2.12}"
: "${MASTER:?set it to k8s://https://HOST:PORT}"
: "${IMAGE:?set it to the image built from conf/kubernetes/Dockerfile}"

exec "$SPARK_HOME/bin/spark-submit" \
  --master "$MASTER" \
  --deploy-mode cluster \
  --class org.talespark.jobs.Talespark \
  --conf "spark.kubernetes.container.image=$IMAGE" \
  --conf "spark.executor.instances=${WORKERS:-2}" \
  --conf "spark.executor.cores=${CORES:-2}" \
  --conf "spark.task.cpus=${CORES:-2}" \
  --conf "spark.executor.memory=${HEAP:-2g}" \
  --conf "spark.executor.memoryOverhead=${OVERHEAD:-8g}" \
  --conf "spark.executor.extraJavaOptions=-Dorg.bytedeco.javacpp.maxbytes=6g -Dorg.bytedeco.javacpp.maxphysicalbytes=10g" \
  --conf "spark.driver.extraClassPath=/opt/talespark/lib/*" \
  --conf "spark.executor.extraClassPath=/opt/talespark/lib/*" \
  local:///opt/talespark/lib/talespark-jobs.jar "$@"
