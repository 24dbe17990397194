"""Which model is served, by the settings. What trained models run on is imported only when one is."""

from services.intent.lexical.keyword import KeywordModel
from services.intent.model import ModelRefused
from services.intent.serving.engine import UnderstandingModel
from services.intent.serving.metrics import PROVIDER
from services.intent.settings import IntentSettings
from services.intent.trained.package import can_run, newest_shipped
from services.kit.telemetry import get_logger

log = get_logger(__name__)


def load(settings: IntentSettings) -> UnderstandingModel:
    """The model of the settings, opened but not yet warm. Raises `ModelRefused`: a model that was asked for is never replaced."""
    if settings.model == "keyword":
        return KeywordModel()
    if settings.model_dir is None and not can_run():
        log.info("keyword_model", reason="onnxruntime is not installed")
        return KeywordModel()
    folder = settings.model_dir or newest_shipped()
    if folder is None:
        log.info("keyword_model", reason="no trained model came with this installation")
        return KeywordModel()
    if not can_run():
        raise ModelRefused("a trained model needs the extra intent-onnx or intent-gpu")
    from services.intent.trained.provider import Wanted
    from services.intent.trained.transformer import OnnxModel

    model = OnnxModel(folder, Wanted(settings.provider_policy, settings.accelerator, settings.threads))
    session = model.session
    PROVIDER.labels(model.name, model.version, session.asked, session.runs_on).set(1)
    log.info("trained_model", version=model.version, asked=session.asked, runs_on=session.runs_on)
    return model
