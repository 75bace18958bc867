"""Entry point of the Spark job: spark-submit --py-files stoa_analytics.zip main.py --help."""

import sys

from stoa_analytics.job import main

if __name__ == "__main__":
    sys.exit(main())
