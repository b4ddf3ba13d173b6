import sqlite3
from dataclasses import replace

import pytest
from small import small_study

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.record import Epoch, TrialResult
from scanlab.study.store import LEASE_S, SCHEMA, Store

EPOCHS = (Epoch(2.0, {"accuracy": 0.25}, 0.5), Epoch(1.0, {"accuracy": 0.5}, 0.5))
RESULT = TrialResult(EPOCHS, parameters=10, flops=20, seconds=1.0, memory=None, throughput=3.0, field=(0.5, 1.0))
STUDY = small_study()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.sqlite"


@pytest.fixture
def store(path):
    with Store(path) as store:
        store.open_study(STUDY, "scanlab ablate x.toml")
        yield store


def test_a_study_comes_back_as_it_was_written(store):
    record = store.read()
    assert record.command == "scanlab ablate x.toml"
    assert record.about == STUDY.about()
    assert [(m.strategy, m.seed, m.control, m.key) for m in record.members] == [
        (m.strategy, m.seed, m.control, m.trial.key) for m in STUDY.members()
    ]
    assert {t.status for t in record.trials.values()} == {"waiting"}
    assert record.trials[record.members[0].key].config == next(STUDY.members()).trial.config


def test_a_result_comes_back_as_it_was_written(store):
    key = store.claim()
    store.record_epoch(key, 0, EPOCHS[0])
    assert store.read().trials[key].epochs == EPOCHS[:1]
    assert store.finish(key, RESULT, {"torch": "2"})
    trial = store.read().trials[key]
    assert (trial.status, trial.result, trial.environment) == ("done", RESULT, {"torch": "2"})


def test_trials_are_claimed_in_order_and_once(store, path):
    with Store(path) as other:
        keys = [s.claim() for s in (store, other, store, other)]
        assert keys == [t.key for t in STUDY.trials()][:4]


def test_only_the_owner_counts_and_once(store, path):
    key = store.claim()
    with Store(path) as other:
        assert not other.finish(key, RESULT, {})
        other.record_epoch(key, 0, EPOCHS[0])
        other.fail(key, "no", {})
        other.release(key)
    assert store.statuses()[key] == "running"
    assert store.read().trials[key].epochs == ()
    assert store.finish(key, RESULT, {})
    assert not store.finish(key, replace(RESULT, seconds=9.0), {})
    assert store.read().trials[key].result == RESULT


def test_trials_of_a_process_that_is_gone_are_free_at_once(path, store):
    key = store.claim()
    with sqlite3.connect(path) as base:
        # The highest process number that Linux gives is 2**22.
        host = store.owner.split(":")[0]
        base.execute("UPDATE trials SET owner = ? WHERE key = ?", (f"{host}:{2**22 + 1}:dead", key))
    base.close()
    assert store.claim() == key
    assert store.read().trials[key].attempts == 2


def test_trials_of_a_silent_machine_are_free_after_the_lease(path, store):
    key = store.claim()
    base = sqlite3.connect(path)
    base.execute("UPDATE trials SET owner = 'elsewhere:1:x' WHERE key = ?", (key,))
    base.commit()
    assert store.claim() != key
    base.execute("UPDATE trials SET heartbeat = heartbeat - ? WHERE key = ?", (LEASE_S + 1, key))
    base.commit()
    base.close()
    assert store.claim() == key


def test_a_changed_study_keeps_the_results_that_fit(store):
    key = store.claim()
    store.finish(key, RESULT, {})
    store.open_study(small_study(seeds=(0, 5)))
    record = store.read()
    assert {m.seed for m in record.members} == {0, 5}
    assert record.trials[key].result == RESULT
    store.open_study(small_study(epochs=3))
    assert key not in store.read().trials


def test_failed_trials_wait_again_when_the_study_is_opened_again(store):
    key = store.claim()
    store.fail(key, "ValueError\n…", {"torch": "2"})
    assert store.read().trials[key].error.startswith("ValueError")
    store.open_study(STUDY)
    assert (store.read().trials[key].status, store.read().trials[key].error) == ("waiting", "")


def test_losses_that_are_no_numbers_survive(store):
    key = store.claim()
    store.record_epoch(key, 0, Epoch(float("nan"), {"accuracy": float("nan")}))
    [epoch] = store.read().trials[key].epochs
    assert epoch.loss != epoch.loss and epoch.metrics["accuracy"] != epoch.metrics["accuracy"]


@pytest.mark.parametrize(("version", "age"), [(SCHEMA + 1, "newer"), (SCHEMA - 1, "older")])
def test_another_version_is_refused_and_left_alone(store, path, version, age):
    base = sqlite3.connect(path)
    base.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(ScanlabError, match=f"S654.*{age}"):
        Store(path)
    assert base.execute("PRAGMA user_version").fetchone() == (version,)
    base.close()


def test_other_files_are_refused_and_left_alone(tmp_path):
    text, other = tmp_path / "text.sqlite", tmp_path / "other.sqlite"
    text.write_text("no database at all, but long enough to be looked at" * 40)
    base = sqlite3.connect(other)
    base.execute("CREATE TABLE bills (amount INTEGER)")
    base.close()
    for path in (text, other):
        before = path.read_bytes()
        with pytest.raises(ScanlabError, match="S655"):
            Store(path)
        assert path.read_bytes() == before


def test_a_damaged_database_is_named(path, store):
    store._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    copy = path.with_name("damaged.sqlite")
    copy.write_bytes(content)
    with pytest.raises(ScanlabError, match="S655"), Store(copy) as damaged:
        damaged.read()


def test_a_place_without_a_study_is_named(tmp_path):
    with pytest.raises(ScanlabError, match=r"S657.*no study"):
        Store(tmp_path / "nothing.sqlite", read_only=True)
    assert not list(tmp_path.iterdir())
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ScanlabError, match="S657"):
        Store(blocked / "study.sqlite")


def test_a_study_with_other_settings_waits_for_the_runner_of_this_one(store, path):
    key = store.claim()
    with Store(path) as other:
        other.open_study(STUDY)
        with pytest.raises(ScanlabError, match=r"S682.*other settings"):
            other.open_study(small_study(seeds=(0, 5)))
    assert store.read().about == STUDY.about()
    store.release(key)
    with Store(path) as other:
        other.open_study(small_study(seeds=(0, 5)))


def test_who_only_reads_makes_no_database_of_an_empty_file(tmp_path):
    empty = tmp_path / "notes"
    empty.write_text("")
    with pytest.raises(ScanlabError, match=r"S655.*empty"):
        Store(empty, read_only=True)
    assert empty.read_bytes() == b""
