"""The table shows the targets and what was measured, and nothing else."""

import json
from datetime import UTC, datetime

import pytest

from benchmarks.options import Options, parse
from benchmarks.report import RAW, RESULTS, Report
from benchmarks.results import Finding, Outcome, Series, percentile, ratios
from benchmarks.targets import TARGETS

AT = datetime(2026, 11, 1, tzinfo=UTC)


def report_of(*findings, series=()):
    outcome = Outcome(findings=list(findings), series=list(series))
    return Report(outcome, {"cores": "2"}, {"Python": "3.11"}, Options(), AT)


def row(report, text):
    (found,) = [line for line in report.table().splitlines() if text in line]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_every_target_has_a_row_measured_or_not():
    lines = report_of().table().splitlines()[2:]
    assert [line.split("|")[1].strip() for line in lines] == [target.text for target in TARGETS]
    assert all("not measured" in line for line in lines)


@pytest.mark.parametrize(("percent", "met"), [(39.0, "**no**"), (40.0, "yes"), (60.0, "aim")])
def test_more_is_better_where_more_is_asked_for(percent, met):
    report = report_of(Finding("acks against pgbench", (percent,)))
    assert row(report, "against the pgbench limit")[-1] == met


@pytest.mark.parametrize(("times", "met"), [(4.1, "**no**"), (4.0, "yes"), (2.0, "aim")])
def test_less_is_better_where_less_is_asked_for(times, met):
    assert row(report_of(Finding("p99 against pgbench", (times,))), "p99")[-1] == met


def test_the_median_counts_and_the_spread_is_shown():
    cells = row(report_of(Finding("acks against dj-stripe", (13.0, 30.0, 12.0))), "dj-stripe storing")
    assert cells[3:] == ["13 ×", "12 × to 30 ×", "yes"]


def test_where_each_of_several_has_to_reach_the_target_the_worst_counts():
    cells = row(report_of(Finding("memory", (80.0, 151.0, 90.0), counts="worst")), "memory")
    assert cells[3:] == ["151 MB (the worst)", "80 MB to 151 MB", "**no**"]


def test_the_files_hold_table_plots_machine_and_raw_figures(tmp_path):
    series = [Series("acks", "ours", "per second", (1_000.0, 3_000.0, 2_000.0))]
    report_of(Finding("acks against pgbench", (41.0,)), series=series).write(tmp_path)
    page = (tmp_path / RESULTS).read_text()
    assert all(
        text in page for text in ("| 41 % |", "![acks](acks.svg)", "cores: 2", "Python: 3.11", "| 2,000 |")
    )
    raw = json.loads((tmp_path / RAW).read_text())
    assert raw["series"][0]["samples"] == [1_000.0, 3_000.0, 2_000.0]
    assert raw["findings"][0]["samples"] == [41.0]


def test_ratios_are_of_the_same_round():
    assert ratios([10, 40], [5, 10]) == (2, 4)


def test_a_percentile_is_a_value_that_was_measured():
    values = [float(value) for value in range(1, 201)]
    assert (percentile(values, 50), percentile(values, 99), percentile([7.0], 99)) == (100.0, 198.0, 7.0)


NAMES = ["acks", "sending"]


def test_a_part_of_the_table_does_not_overwrite_the_whole():
    assert parse([], NAMES, {}).output is not None
    assert parse(["--only", "acks"], NAMES, {}).output is None
    assert parse(["--smoke"], NAMES, {}).output is None


def test_sizes_come_from_the_command_line_else_from_the_environment():
    environ = {"BENCH_ROUNDS": "7", "BENCH_SECONDS": "2.5"}
    options = parse(["--rounds", "3"], NAMES, environ)
    assert (options.rounds, options.seconds) == (3, 2.5)


def test_a_measure_that_does_not_exist_is_refused(capsys):
    with pytest.raises(SystemExit):
        parse(["--only", "sends"], NAMES, {})
    assert "there is no sends" in capsys.readouterr().err
