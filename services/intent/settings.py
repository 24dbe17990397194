"""What the intent service reads from the environment (`KUAJIE_INTENT_…`)."""

from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, DirectoryPath, Field, FilePath, SecretStr, field_validator, model_validator

from services.intent.monitor.detectors import DetectorConfig
from services.intent.monitor.outbound import Allowed
from services.intent.monitor.sealing import Sealer
from services.intent.schemas import MAX_TEXTS
from services.intent.trained.buckets import Bucket
from services.kit.settings import DatabaseSettings, service_config


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of zones, as "Europe"
        raise ValueError(f"no such time zone: {name}") from error
    return name


def _keys(spec: SecretStr) -> SecretStr:
    Sealer(spec.get_secret_value())
    return spec


TimeZone = Annotated[str, AfterValidator(_known_zone)]
SealingKeys = Annotated[SecretStr, AfterValidator(_keys)]


class IntentSettings(DatabaseSettings):
    """Sizes of the engine. The defaults suit two cores."""

    model_config = service_config("intent")

    model: Literal["auto", "keyword"] = Field(
        "auto",
        description="What is served as long as no version was promoted. auto: the trained model of KUAJIE_INTENT_MODEL_DIR, "
        "and without that setting the newest that came with this installation if onnxruntime is installed, else the keyword "
        "model. keyword: that one.",
    )
    model_dir: Path | None = Field(
        None, description="The folder of a trained model, or one that `kuajie train intent` made (its --out)."
    )
    foreign_labels: bool = Field(
        False,
        description="Whether a model may answer /v1/understand whose labels are not all among those that docs/intent.md names. Any "
        "model may be loaded and asked under /v2.",
    )
    provider_policy: Literal["require", "prefer", "cpu"] = Field(
        "cpu",
        description="require: not ready unless the model runs on the accelerator. "
        "prefer: on the CPU where there is none. cpu: on the CPU.",
    )
    accelerator: Literal["CUDAExecutionProvider", "TensorrtExecutionProvider"] = Field(
        "CUDAExecutionProvider", description="What onnxruntime is to run the model on, unless the policy is cpu."
    )
    threads: int = Field(1, ge=1, le=64, description="Threads that compute one batch on the CPU.")
    gpu_device: int = Field(0, ge=0, description="Which GPU of the machine.")
    gpu_memory_mib: int = Field(0, ge=0, description="Most memory that a model's arena takes of the GPU; 0: all of it.")
    gpu_shrink: bool = Field(
        False, description="Give free memory of the arena back to the GPU after each batch; slower, for a shared GPU."
    )
    gpu_graphs: bool = Field(
        False, description="Record a CUDA graph for each bucket. Needs buckets, and one batch at a time."
    )
    gpu_buckets: tuple[Bucket, ...] = Field(
        (),
        max_length=64,
        description="Shapes as `[[rows, tokens], …]` that batches are padded to on a GPU; each is run before the service is ready. "
        "docs/gpu.md has a list to begin with.",
    )
    tensorrt_cache: Path | None = Field(
        None, description="Folder where TensorRT keeps built engines and timings; none: it builds at every start."
    )
    loaded_models: int = Field(
        4, ge=2, le=32, description="Versions that may be held at a time: the one that serves, a shadow, others ready."
    )
    token_budget: int = Field(
        0,
        ge=0,
        description="Largest padded size of a batch of several texts, in tokens: its longest text times their number. "
        "0: what suits the model, 256 on the CPU and 16,384 on an accelerator.",
    )
    batch_texts: int = Field(64, ge=1, le=1024, description="Most texts in a batch.")
    queue_texts: int = Field(
        1024, ge=MAX_TEXTS, description="Texts that may be under way at a time; more are refused with 429."
    )
    bulk_delay_ms: int = Field(
        200, ge=0, description="How long a text of a request with many texts may be overtaken by single ones."
    )
    encoders: int = Field(2, ge=1, le=64, description="Threads that encode texts.")
    runners: int = Field(1, ge=1, le=64, description="Batches that are computed at a time.")
    cache_answers: int = Field(10_000, ge=0, description="Answers that are kept for texts seen before; 0 keeps none.")
    drain_s: float = Field(
        10.0,
        ge=0,
        description="Seconds that work under way is given when its version is replaced; when the process ends, at most five.",
    )
    monitor_timezone: TimeZone = Field("Asia/Shanghai", description="Whose hours and weeks opinion monitoring goes by.")
    monitor_timezones: dict[str, TimeZone] = Field(
        default_factory=dict, description='The same for single tenants, as JSON: `{"tenant": "Europe/London"}`.'
    )
    monitor_near_hours: int = Field(
        72, ge=1, le=720, description="Hours of publication between near-duplicates that count as one opinion."
    )
    monitor_document_days: int = Field(
        90,
        ge=70,
        le=3650,
        description="Days that documents are kept; older ones are refused. Eight weeks and more of baseline.",
    )
    monitor_series_days: int = Field(
        400, ge=70, le=3650, description="Days that hourly counts and old alerts are kept."
    )
    monitor_every_s: float = Field(60.0, ge=1, le=3600, description="Seconds between two looks for surges.")
    monitor_cusum_limit: float = Field(
        DetectorConfig().cusum_limit,
        ge=3,
        le=30,
        description="Evidence in nats that tells a surge: with less more are found, for more false alarms.",
    )
    monitor_repeat_hours: int = Field(
        6, ge=1, le=168, description="Hours after which an open alert that lasts is told again."
    )
    monitor_senders: int = Field(3, ge=1, le=50, description="Deliveries that one worker sends at a time.")
    sealing_keys: SealingKeys | None = Field(
        None,
        description="Keys that seal the secrets of webhooks as `kid:secret`, comma-separated, of 32 characters or more. The first "
        "seals, all of them open. Without them no webhook can be registered.",
    )
    webhook_allow_http: bool = Field(False, description="Webhooks may be http: for tests and laptops.")
    webhook_allow_private: bool = Field(
        False, description="Webhooks may have private addresses: for tests and laptops."
    )

    assist_texts: DirectoryPath | None = Field(
        None,
        description="A folder of approved texts for customer service in place of those that ship; checked at the start.",
    )
    assist_sure_from: float | None = Field(
        None,
        ge=0,
        le=1,
        description="The confidence from which customer service acts on a label; by default .45, with the keyword model .15.",
    )
    assist_ranking: FilePath | None = Field(
        None,
        description="How the knowledge base is ranked, in place of what ships: a file of `kuajie evaluate knowledge --fit-to`.",
    )
    assist_passages: int = Field(20_000, ge=1, le=200_000, description="Most passages of one tenant's knowledge base.")
    assist_refresh_s: float = Field(
        2.0, ge=0, description="Seconds after which a change of the knowledge base by another process is seen."
    )
    assist_session_s: int = Field(
        1_800,
        ge=60,
        le=604_800,
        description="Seconds without a message after which a conversation with the bot expires.",
    )
    assist_messages: int = Field(500, ge=10, le=10_000, description="Most messages of one conversation.")
    assist_retention_days: int = Field(
        180, ge=1, description="Days without a message after which a conversation is deleted."
    )

    @field_validator("gpu_buckets")
    @classmethod
    def buckets_have_places(cls, buckets: tuple[Bucket, ...]) -> tuple[Bucket, ...]:
        if any(each.rows < 1 or each.tokens < 1 for each in buckets) or len(set(buckets)) < len(buckets):
            raise ValueError("each bucket is [rows, tokens], both at least 1, and none is there twice")
        return buckets

    @model_validator(mode="after")
    def graphs_can_be_recorded(self) -> Self:
        if not self.gpu_graphs:
            return self
        if self.accelerator != "CUDAExecutionProvider" or not self.gpu_buckets:
            raise ValueError("gpu_graphs needs CUDAExecutionProvider and gpu_buckets")
        if self.runners > 1 or self.gpu_shrink:
            raise ValueError("gpu_graphs goes with one runner and without gpu_shrink: a graph keeps its memory")
        return self

    @property
    def webhooks_allowed(self) -> Allowed:
        return Allowed(self.webhook_allow_http, self.webhook_allow_private)

    def zone_of(self, tenant_id: str) -> ZoneInfo:
        """Whose hours opinion monitoring goes by for a tenant."""
        return ZoneInfo(self.monitor_timezones.get(tenant_id, self.monitor_timezone))
