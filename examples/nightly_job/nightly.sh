#!/bin/sh
# Score the rows of a day, by default yesterday's, and compare them with training.
#
# Exits with the code of boxkite compare: 0 ok, 1 drift, 2 failure, 3 not enough data.
set -eu
cd "$(dirname "$0")"
day=${1:-$(date -u -d yesterday +%F)}
mkdir -p scored metrics junit

python score.py "rows/$day.parquet" "scored/$day.parquet" || exit 2

verdict=0
boxkite compare histogram.prom "scored/$day.parquet" \
  --window 1d --period-end "$(date -u -d "$day +1 day" +%F)" \
  --every "${EVERY:-1d}" --metrics metrics/scoring.prom \
  --junit "junit/$day.xml" || verdict=$?

# After a failure, the metrics are still those of the last run. They are not pushed again, so their
# age grows until BoxkiteJobStopped fires.
if [ "$verdict" != 2 ] && [ -n "${PUSHGATEWAY:-}" ]; then
  curl --fail --silent --show-error -X PUT --data-binary @metrics/scoring.prom \
    "$PUSHGATEWAY/metrics/job/scoring"
fi
exit "$verdict"
