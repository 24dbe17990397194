"""Shapes: a bucket is picked, padded to and cut back from; what onnxruntime is told about a GPU."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.intent.trained.accelerator import CUDA, TENSORRT, Accelerator, profiles
from services.intent.trained.buckets import Bucket, filled, pieces, smallest_holding

BUCKETS = (Bucket(64, 32), Bucket(1, 32), Bucket(8, 128), Bucket(1, 128))


def test_the_bucket_with_the_fewest_places_is_picked() -> None:
    assert smallest_holding(1, 20, BUCKETS) == Bucket(1, 32)
    assert smallest_holding(1, 33, BUCKETS) == Bucket(1, 128)
    assert smallest_holding(2, 33, BUCKETS) == Bucket(8, 128)
    assert smallest_holding(8, 32, BUCKETS) == Bucket(8, 128)
    assert smallest_holding(9, 32, BUCKETS) == Bucket(64, 32)
    assert smallest_holding(9, 33, BUCKETS) is None
    assert smallest_holding(1, 1, ()) is None


def test_a_batch_is_padded_and_its_empty_rows_still_have_one_token() -> None:
    ids, mask = np.array([[5, 6], [7, 1]]), np.array([[1, 1], [1, 0]])
    wide, seen = filled(ids, mask, Bucket(3, 4), pad_id=1)
    assert wide.tolist() == [[5, 6, 1, 1], [7, 1, 1, 1], [1, 1, 1, 1]]
    assert seen.tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]


@given(st.integers(1, 300), st.lists(st.builds(Bucket, st.integers(1, 64), st.integers(1, 64)), max_size=5))
def test_pieces_are_all_rows_in_order_and_none_is_too_large(rows: int, buckets: list[Bucket]) -> None:
    found = pieces(rows, buckets)
    assert [row for piece in found for row in range(piece.start, piece.stop)] == list(range(rows))
    if buckets:
        assert max(piece.stop - piece.start for piece in found) <= max(each.rows for each in buckets)


def test_cuda_is_told_its_device_and_its_limit() -> None:
    [(name, told)] = Accelerator(device=2, memory_mib=512).chain(CUDA)
    assert name == CUDA
    assert told == {
        "device_id": "2",
        "arena_extend_strategy": "kSameAsRequested",
        "do_copy_in_default_stream": "1",
        "enable_skip_layer_norm_strict_mode": "1",
        "gpu_mem_limit": "536870912",
    }


def test_graphs_are_numbered_by_bucket_and_left_out_outside() -> None:
    gpu = Accelerator(graphs=True, buckets=BUCKETS)
    assert gpu.chain(CUDA)[0][1]["enable_cuda_graph"] == "1"
    assert gpu.run_settings(3) == {"gpu_graph_id": "3"}
    assert gpu.run_settings(None) == {"gpu_graph_id": "-1"}
    assert Accelerator(buckets=BUCKETS).run_settings(1) == {}


def test_memory_is_given_back_on_the_device_that_has_it() -> None:
    assert Accelerator(device=1, shrink=True).run_settings(None) == {"memory.enable_memory_arena_shrinkage": "gpu:1"}


def test_tensorrt_keeps_what_it_built_and_has_cuda_behind_it() -> None:
    first, second = Accelerator(buckets=BUCKETS, cache=Path("/var/cache/trt"), memory_mib=256).chain(TENSORRT)
    assert (first[0], second[0]) == (TENSORRT, CUDA)
    assert first[1] == {
        "device_id": "0",
        "trt_fp16_enable": "1",
        "trt_layer_norm_fp32_fallback": "1",
        "trt_max_workspace_size": "268435456",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": "/var/cache/trt",
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": "/var/cache/trt",
        "trt_profile_min_shapes": "input_ids:1x1,attention_mask:1x1",
        "trt_profile_opt_shapes": "input_ids:8x128,attention_mask:8x128",
        "trt_profile_max_shapes": "input_ids:64x128,attention_mask:64x128",
    }
    assert "enable_cuda_graph" not in second[1]


def test_a_profile_spans_all_buckets() -> None:
    told = profiles([Bucket(1, 512), Bucket(16, 16)])
    assert told["trt_profile_max_shapes"] == "input_ids:16x512,attention_mask:16x512"
