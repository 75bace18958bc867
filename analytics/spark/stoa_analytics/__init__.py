"""The shop's analytics pipelines on Spark Structured Streaming (docs/analytics.md)."""
