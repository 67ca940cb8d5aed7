"""`python -m tests.storm.holding URL STATEMENT`: a process of the service that stops in the middle of a transaction."""

import sys
import threading

from stripe_bridge.adapters.database.engine import create_engine


def main() -> None:
    _, url, statement = sys.argv
    with create_engine(url).begin() as connection:
        connection.exec_driver_sql(statement)
        sys.stdout.write("locked\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
