"""The sinks that deliver batches of records: files in a store, or a fluentd receiver."""
