"""Predictions from the table that is built in, and what records add to them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from anuga_lean._errors import PlanError
from anuga_lean.guard.limits import Level
from anuga_lean.plan import advice
from anuga_lean.plan.learning import learn, read_runs, with_floor
from anuga_lean.plan.prediction import Prediction, predict, predict_stock
from anuga_lean.plan.question import (
    Question,
    parsed_count,
    parsed_features,
    triangles_of_areas,
)
from anuga_lean.plan.table import Memory, with_adds

MIB = 2**20
BIG = Question(1_000_000, mesh="rectangular")


def record(question: Question, factor: float, extra: float, outcome: str = "completed",
           mesh: str = "a") -> list[dict[str, Any]]:
    """The lines of a run that took `factor` times what is predicted and `extra` bytes more."""
    said = predict(question)
    begin = {
        "event": "begin", "algorithm": question.algorithm, "store": question.store,
        "made": [question.mesh] if question.mesh != "rectangular" else [], "mesh": mesh,
        "features": {"passive tracers": 2} if "tracers" in question.features else {},
        "operators": ["Rate_operator"] if "rain" in question.features else [],
        "whole_mesh": question.triangles, "partition_scheme": question.scheme,
        "ranks": [{"node": "a", "pid": 1, "triangles": int(said.triangles)}] * question.ranks}
    stages = [{"event": "stage", "seconds": 1.0, "stage": stage, "ranks": [
        {"rank": rank, **{kind: int(factor * value + extra) for kind, value in zip(
            ("rss", "peak"), (said.others if rank else said.first).get(stage, memory),
            strict=True)}} for rank in range(question.ranks)]}
        for stage, memory in said.first.items()]
    return [begin, *stages, *([{"event": "end", "outcome": outcome}] if outcome else [])]


def written(folder: Path, *records: list[dict[str, Any]]) -> list[Path]:
    for number, lines in enumerate(records):
        (folder / f"{number}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    return [folder]


@pytest.mark.parametrize("question", [
    BIG, BIG._replace(mesh="regions"), BIG._replace(ranks=2), BIG._replace(store=False),
    BIG._replace(features={"tracers": 1}), BIG._replace(algorithm="DE2")])
def test_more_triangles_take_more(question: Question) -> None:
    peaks = [predict(question._replace(triangles=n)).largest
             for n in (1, 1000, 50_000, 700_000, 3_000_000, 9_000_000, 10**8)]
    assert sorted(peaks) == peaks and peaks[0] > 40 * MIB
    assert 50 < (peaks[-1] - peaks[-2]) / (10**8 - 9_000_000) < 500     # B a triangle


def test_features_tracers_and_frames_add() -> None:
    def held(**asked: Any) -> float:
        return predict(BIG._replace(**asked)).first["evolve"].rss

    assert held(features={"maxima": 1}) > held() + 40e6
    one, three = held(features={"tracers": 1}), held(features={"tracers": 3})
    assert three - held() == pytest.approx(3 * (one - held()))
    assert held(store=False) < held() - 10e6
    assert held(algorithm="DE2") > held() + 15e6


def test_what_is_needed_for_a_while_counts_once() -> None:
    """Of what features hold all counts, of their peaks above that the largest."""
    adds = [(2, Memory(10.0, 14.0)), (1, Memory(5.0, 30.0)), (1, Memory(0.0, -8.0))]
    assert Memory(125.0, 162.0) == with_adds(Memory(100.0, 120.0), adds)
    assert Memory(125.0, 125.0) == with_adds(Memory(100.0, 80.0), [(1, Memory(25.0, 25.0))])


def test_a_node_counts_shared_pages_once() -> None:
    first = {"evolve": Memory(10.0, 100.0), "imports": Memory(5.0, 5.0)}
    others = {"evolve": Memory(10.0, 60.0), "imports": Memory(5.0, 5.0)}
    four = Prediction(first, others, 1.0, 4, 1, {"evolve": 20.0, "imports": 2.0})
    assert (100.0 + 3 * 40.0, "evolve") == four.of_node()
    assert (140.0, "evolve") == four._replace(nodes=2).of_node()
    assert (100.0, "evolve") == four._replace(nodes=4).of_node()


def test_ranks() -> None:
    two, four = (predict(BIG._replace(ranks=ranks)) for ranks in (2, 4))
    assert four.others["evolve"].peak < two.others["evolve"].peak
    assert four.of_node()[0] > two.of_node()[0]
    assert two.first["distribute"].peak > two.others["distribute"].peak
    hilbert = predict(BIG._replace(ranks=2, scheme="hilbert", features={"centroids": 1}))
    metis = predict(BIG._replace(ranks=2, features={"centroids": 1}))
    assert metis.largest > hilbert.largest + 50e6
    assert 250_000 < four.triangles < 260_000


def test_stock_takes_several_times_as_much() -> None:
    largest, node = predict_stock(BIG)
    assert largest == node
    at_centroids = BIG._replace(features={"centroids": 1})
    assert 4.0 < predict_stock(at_centroids)[0] / predict(at_centroids).largest < 10.0
    ranked = predict_stock(BIG._replace(ranks=4))
    assert ranked[1] > ranked[0] > largest / 2


def test_records_correct_what_is_predicted(tmp_path: Path) -> None:
    sizes = (100_000, 400_000, 1_600_000)
    folders = written(tmp_path, *(record(BIG._replace(triangles=n), 1.3, 20e6) for n in sizes))
    runs = read_runs(folders)
    assert list(sizes) == [run.question.triangles for run in runs]
    learnt = learn(BIG, runs)
    assert 3 == learnt.runs and learnt.residual < 0.05
    expected = 1.3 * predict(BIG).largest + 20e6
    assert predict(BIG, learnt.correct).largest == pytest.approx(expected, rel=0.03)
    # Another kind of run: nothing is known of it.
    assert 0 == learn(BIG._replace(algorithm="DE1"), runs).runs
    assert 0 == learn(BIG._replace(ranks=2), runs).runs


def test_one_small_record_moves_the_offset_and_not_the_slope(tmp_path: Path) -> None:
    small = BIG._replace(triangles=10_000)
    learnt = learn(BIG, read_runs(written(tmp_path, record(small, 1.0, 40e6))))
    off = predict(BIG, learnt.correct).largest - predict(BIG).largest
    assert 35e6 < off < 60e6


def test_no_less_is_predicted_than_was_seen(tmp_path: Path) -> None:
    killed = record(BIG, 2.0, 0.0, outcome="")
    learnt = learn(BIG, read_runs(written(tmp_path, killed)))
    assert (0, int(2.0 * predict(BIG).largest)) == (learnt.runs, int(learnt.floor))
    raised = with_floor(predict(BIG), learnt.floor)
    assert learnt.floor == raised.largest
    # For a smaller mesh it says nothing, unless the mesh is the same.
    smaller = BIG._replace(triangles=900_000)
    runs = read_runs([tmp_path])
    assert [0.0, learnt.floor] == [learn(smaller, runs).floor, learn(smaller, runs, "a").floor]


@pytest.mark.parametrize("text", [
    "", "[]", '{"event": "stage"}', '{"event": "begin"}', '{"event": "begin", "ranks": [3], '
    '"features": {}, "made": []}', '{"event": "begin", "ranks": [{"triangles": -4}], '
    '"features": {}, "made": []}', '{"event": "begin", "ranks": [{"triangles": 9}], "algorithm": '
    '"DE9", "features": {}, "made": []}'])
def test_what_is_no_record_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.jsonl").write_text(text + '\n{"event": "be')
    assert [] == read_runs([tmp_path])


def test_a_torn_record_gives_what_it_has(tmp_path: Path) -> None:
    lines = record(BIG, 1.0, 0.0)
    lines[2]["ranks"][0]["rss"] = "many"
    text = "".join(json.dumps(each) + "\n" for each in lines)
    (tmp_path / "a.jsonl").write_text(text[:-20])
    [run] = read_runs([tmp_path])
    assert not run.is_whole and [None] == run.stages["domain"] and run.peak > 100e6


@pytest.mark.parametrize(("text", "expected"), [
    ("8000000", 8_000_000), ("8e6", 8_000_000), ("2_000", 2000), ("1.5e3", 1500)])
def test_counts(text: str, expected: int) -> None:
    assert expected == parsed_count(text)


@pytest.mark.parametrize("text", ["abc", "", "nan", "inf", "1e400", "8 million"])
def test_no_counts(text: str) -> None:
    with pytest.raises(PlanError, match="give a number of triangles"):
        parsed_count(text)


def test_features() -> None:
    assert {"rain": 1, "tracers": 3} == parsed_features("rain, tracers=3")
    for wrong, said in (("snow", "there is no feature 'snow': give some of"),
                        ("rain=2", "only tracers"), ("tracers=0", "only tracers"),
                        ("tracers=x", "only tracers")):
        with pytest.raises(PlanError, match=said):
            parsed_features(wrong)


@pytest.mark.parametrize(("asked", "said"), [
    ({"triangles": 0}, "0 triangles"), ({"triangles": 10**9}, "at most 715,827,882"),
    ({"triangles": 3, "ranks": 4}, "4 ranks cannot share 3"), ({"ranks": 0}, "0 ranks"),
    ({"ranks": 2, "nodes": 3}, "3 nodes cannot share 2"), ({"algorithm": "DE9"}, "'DE9'"),
    ({"scheme": "rcb"}, "'rcb'"), ({"mesh": "cubes"}, "'cubes'")])
def test_what_cannot_be(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        BIG._replace(**asked).check()


def test_triangles_of_areas() -> None:
    from anuga_lean import scenarios

    outer = scenarios.POLYGON_AREA - scenarios.INNER_AREA
    largest = (outer + 3.0 * scenarios.INNER_AREA) / (scenarios.FILL * 40_000)
    assert 40_000 == pytest.approx(triangles_of_areas(
        [f"{outer}:{largest}", f"{scenarios.INNER_AREA}:{largest / 3.0}"]), abs=2)
    for wrong in ("5", "5:0", "-1:2", "a:b", "1:2:3", "nan:1", "1e30:1"):
        with pytest.raises(PlanError, match="--region"):
            triangles_of_areas([wrong])


# -- advice ----------------------------------------------------------------------------


def test_asked_for() -> None:
    assert math.ceil((1.2 * 1000 + 256) / 64) * 64 * MIB == advice.asked_for(1000.0 * MIB)


def test_limits_are_met() -> None:
    prediction = predict(BIG)
    need, _ = prediction.of_node()
    levels = [Level("this machine", 10 * MIB, int(4 * need)),
              Level("cgroup /job_1", 0, int(need)), Level("cgroup /", 0, int(1.1 * need))]
    found = advice.met(prediction, levels)
    assert ["cgroup /job_1", "cgroup /", "this machine"] == [each.level.who for each in found]
    assert [False, True, True] == [each.fits for each in found]
    assert ["does not fit", "fits narrowly"] == [
        str(each).split(": ")[1].split(":")[0] for each in found[:2]]


@pytest.mark.parametrize("ranks", [1, 3])
def test_what_fits_is_the_largest_that_does(ranks: int) -> None:
    question, room = Question(ranks, ranks), 4 * 2**30
    for of_node in (advice.of_node_lean(), advice.of_node_stock):
        n = advice.most_triangles(question, room, of_node)
        asked = [advice.asked_for(of_node(question._replace(triangles=each)))
                 for each in (n, n + 20_000)]
        assert asked[0] <= room < asked[1]
    assert 0 == advice.most_triangles(question, 10 * MIB, advice.of_node_stock)


def test_changes_say_what_helps() -> None:
    question = Question(8_000_000, 4, features={"centroids": 1})
    now = predict(question).of_node()[0]
    found = advice.changes(question, 0.9 * now)
    assert any("hilbert" in each and "not" not in each for each in found[:-1])
    assert "a mesh of" in found[-1]
    alone = advice.changes(Question(3_000_000), 0.2 * predict(Question(3_000_000)).largest)
    assert any("location='centroids'" in each and "not enough" in each for each in alone)


@pytest.mark.parametrize(("n", "cores", "expected"), [
    (100_000, 8, (1, 8)), (100_000, 64, (1, 64)), (8_000_000, 64, (8, 8)),
    (1_000_000, 64, (2, 8)), (8_000_000, 1, (1, 1))])
def test_ranks_and_threads(n: int, cores: int, expected: tuple[int, int]) -> None:
    assert expected == advice.shape(Question(n), cores, chosen=False)[:2]
    chosen = advice.shape(Question(n, 4), cores, chosen=True)
    assert (4, max(1, cores // 4)) == chosen[:2]
