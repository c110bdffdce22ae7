"""The same job as an Airflow task. A drift fails the task, so Airflow notifies as usual."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task


@dag(
    schedule="15 2 * * *",
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    catchup=False,
    # A failed read is worth another try. A drift is not, but a second run does no harm.
    default_args={"retries": 1, "retry_delay": timedelta(minutes=10)},
)
def nightly_scoring() -> None:
    """Score yesterday's rows and compare them with training."""

    # Exit code 3 means that there are too few rows for a verdict: Airflow skips what follows.
    @task.bash(
        skip_on_exit_code=3,
        env={"PUSHGATEWAY": "http://pushgateway:9091"},
        append_env=True,
    )
    def compare() -> str:
        return "/opt/scoring/nightly.sh {{ (logical_date - macros.timedelta(days=1)) | ds }}"

    compare()


nightly_scoring()
