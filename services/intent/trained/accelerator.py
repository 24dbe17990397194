"""What onnxruntime is told about a GPU. Pure: values in, option strings out.

Names and values are those of onnxruntime 1.24 to 1.31, docs/execution-providers/{CUDA,TensorRT}-ExecutionProvider.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.intent.trained.buckets import Bucket

CUDA, TENSORRT = "CUDAExecutionProvider", "TensorrtExecutionProvider"
MIB = 1024 * 1024
INPUTS = ("input_ids", "attention_mask")


@dataclass(frozen=True, slots=True)
class Accelerator:
    """`memory_mib` bounds the arena (0: not); `shrink` gives its free memory back after each batch.

    `graphs` records one CUDA graph a bucket. `cache` is where TensorRT keeps what took minutes to build.
    """

    device: int = 0
    memory_mib: int = 0
    shrink: bool = False
    graphs: bool = False
    buckets: Sequence[Bucket] = ()
    cache: Path | None = None

    def chain(self, provider: str) -> list[tuple[str, dict[str, str]]]:
        """Providers in order of preference: CUDA stands behind TensorRT for what that cannot compute."""
        cuda = (CUDA, self._cuda(graphs=self.graphs and provider == CUDA))
        return [cuda] if provider == CUDA else [(TENSORRT, self._tensorrt()), cuda]

    def run_settings(self, graph: int | None) -> dict[str, str]:
        """Of one run; `graph` is its bucket's number from 1, None outside the buckets."""
        told = {"gpu_graph_id": str(-1 if graph is None else graph)} if self.graphs else {}
        return told | ({"memory.enable_memory_arena_shrinkage": f"gpu:{self.device}"} if self.shrink else {})

    def _cuda(self, *, graphs: bool) -> dict[str, str]:
        told = {
            "device_id": str(self.device),
            # Growing by powers of two would hold up to twice what was ever needed.
            "arena_extend_strategy": "kSameAsRequested",
            "do_copy_in_default_stream": "1",
            # Sums of float16 are taken in float32 inside the fused kernel.
            "enable_skip_layer_norm_strict_mode": "1",
        }
        if self.memory_mib:
            told["gpu_mem_limit"] = str(self.memory_mib * MIB)
        if graphs:
            told["enable_cuda_graph"] = "1"
        return told

    def _tensorrt(self) -> dict[str, str]:
        told = {"device_id": str(self.device), "trt_fp16_enable": "1", "trt_layer_norm_fp32_fallback": "1"}
        if self.memory_mib:
            told["trt_max_workspace_size"] = str(self.memory_mib * MIB)
        if self.cache is not None:
            told |= {
                "trt_engine_cache_enable": "1",
                "trt_engine_cache_path": str(self.cache),
                "trt_timing_cache_enable": "1",
                "trt_timing_cache_path": str(self.cache),
            }
        return told | (profiles(self.buckets) if self.buckets else {})


def profiles(buckets: Sequence[Bucket]) -> dict[str, str]:
    """One optimisation profile over all buckets: from a single token to the largest, best at the bucket in the middle."""
    ordered = sorted(buckets, key=lambda each: each.rows * each.tokens)
    largest = Bucket(max(each.rows for each in buckets), max(each.tokens for each in buckets))
    shapes = {"min": Bucket(1, 1), "opt": ordered[len(ordered) // 2], "max": largest}
    return {
        f"trt_profile_{name}_shapes": ",".join(f"{each}:{shape.rows}x{shape.tokens}" for each in INPUTS)
        for name, shape in shapes.items()
    }
