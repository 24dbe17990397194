"""The Redis side of a stream."""

from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import ResponseError


@dataclass(frozen=True, slots=True)
class StreamKeys:
    """The Redis keys of one source; one hash tag, so that a cluster keeps them together."""

    source: str

    @property
    def stream(self) -> str:
        return f"{{kuajie:{self.source}}}:stream"

    @property
    def positions(self) -> str:
        return f"{{kuajie:{self.source}}}:positions"

    @property
    def rewind(self) -> str:
        return f"{{kuajie:{self.source}}}:rewind"

    @property
    def oldest(self) -> str:
        return f"{{kuajie:{self.source}}}:oldest"


async def last_sequence(redis: Redis, keys: StreamKeys) -> int | None:
    """The newest sequence that was put on the stream; None when there is no stream."""
    try:
        info = await redis.xinfo_stream(keys.stream)
    except ResponseError:
        return None
    last = info["last-generated-id"]
    return int((last.decode() if isinstance(last, bytes) else last).split("-")[0])
