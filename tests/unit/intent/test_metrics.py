"""What is told of versions on the process's registry, and that it ends with them."""

from prometheus_client import REGISTRY

from services.intent.serving.agreement import Agreement, Tally
from services.intent.serving.batcher import BatchReport
from services.intent.serving.metrics import RegistryMetrics

REPORT = BatchReport(tokens=4, padded_tokens=6, queue_s=[0.1], infer_s=0.1, output_s=0.1)


def told_of(version: str) -> set[str]:
    """The samples that name the version."""
    samples = (sample for family in REGISTRY.collect() for sample in family.samples)
    return {
        sample.name for sample in samples if version in {sample.labels.get("version"), sample.labels.get("against")}
    }


def at_work(metrics: RegistryMetrics, version: str) -> None:
    engine = metrics.version("intent", version)
    engine.pending(1)
    engine.computed(REPORT)
    engine.dropped(1, "deadline")
    engine.failed("deadline")
    metrics.loaded(version, 1.0)
    metrics.stand({version: "serving"})


def test_nothing_of_a_version_is_told_once_it_is_released() -> None:
    metrics = RegistryMetrics(Tally())
    at_work(metrics, "released")
    assert len(told_of("released")) > 20
    engine = metrics.version("intent", "released")
    engine.pending(2)
    engine.released()
    metrics.stand({})
    assert told_of("released") == set()
    engine.pending(0)
    engine.dropped(1, "draining")
    engine.failed("draining")
    assert told_of("released") == set()
    again = metrics.version("intent", "released")
    again.pending(3)
    assert (
        REGISTRY.get_sample_value("kuajie_intent_inference_pending_texts", {"model": "intent", "version": "released"})
        == 3
    )
    again.released()


def test_comparisons_end_with_either_of_the_two() -> None:
    tally = Tally()
    metrics = RegistryMetrics(tally)
    served, shadowing = metrics.version("intent", "served"), metrics.version("intent", "shadowing")
    shadow = metrics.shadow("shadowing")
    shadow.compared("served", "zh", Agreement(texts=1))
    assert "kuajie_intent_shadow_compared_texts_total" in told_of("served")
    served.released()
    assert told_of("served") == set()
    shadow.compared("served", "zh", Agreement(texts=1))
    assert told_of("served") == set()
    assert tally.take()["shadowing", "served", "zh"].texts == 2
    assert "kuajie_intent_shadow_texts_total" in told_of("shadowing")
    shadowing.released()
    assert told_of("shadowing") == set()


def test_refusals_are_told_as_long_as_the_version_is_known() -> None:
    metrics = RegistryMetrics(Tally())
    metrics.refused("damaged")
    metrics.stand({"damaged": "refused"})
    assert "kuajie_intent_model_refusals_total" in told_of("damaged")
    metrics.stand({"other": "available"})
    assert told_of("damaged") == set()
    metrics.stand({})
