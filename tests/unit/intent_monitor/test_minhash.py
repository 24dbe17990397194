"""Which texts count as one: shingles, signatures, bands."""

import numpy as np
import pytest

from services.intent.monitor.minhash import bands, jaccard, shingles, signature, similarity

NEWS = "岚榈财险因未按备案条款执行费率被监管部门罚款四十五万元,公司回应称将立即整改"
POST = "Fifty minutes on hold, then a recording says my call is important to them, then click"
SUM = 35206763624
FIRST = 1516667819644445360


def exact(one: str, other: str) -> float:
    left, right = shingles(one), shingles(other)
    assert left is not None
    assert right is not None
    return jaccard(left, right)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NEWS, "岚榈财险因未按备案条款执行费率,被监管部门罚款四十五万元!公司回应称:将立即整改"),
        (NEWS, f"{NEWS} https://example.com/a/1 @某人 #保险#"),
        (NEWS, f"#岚榈财险被罚#{NEWS}"),
        (NEWS, f"//@财经早知道:{NEWS}"),
        (NEWS, f"http://t.cn/A6xYz{NEWS}"),
        (POST, f"@insurer_care: {POST} #claims #days-on-hold"),
        (POST, POST.upper()),
        (POST, "RT " + POST.replace(",", " —")),
    ],
)
def test_punctuation_case_links_and_handles_make_no_difference(one: str, other: str) -> None:
    assert exact(one, other) == 1.0


def test_a_repost_with_a_remark_is_near_and_another_text_is_not() -> None:
    assert exact(NEWS, f"转发:{NEWS}太离谱了") == pytest.approx(33 / 41, abs=0.05)
    assert exact(NEWS, "监管部门就个人养老保险产品信息披露办法公开征求意见,反馈截止下月十五日") < 0.1


def test_what_follows_a_handle_tells_texts_apart() -> None:
    remark = "大家快来看看这件事情真是离谱得很//@某某:"
    assert (
        exact(remark + "理赔拖了三个月还不赔付,客服电话永远打不通", remark + "手机银行升级以后转账特别快,界面也好看")
        < 0.5
    )


@pytest.mark.parametrize("text", ["太差了", "服务真的太差了吧", "terrible service", "!!!", "https://example.com/x", ""])
def test_a_short_text_is_compared_with_nothing(text: str) -> None:
    assert shingles(text) is None
    assert signature(text) is None


def test_the_estimate_is_near_the_exact_similarity_and_bands_meet() -> None:
    other = f"转发:{NEWS}太离谱了"
    one, two = signature(NEWS), signature(other)
    assert one is not None
    assert two is not None
    assert float(similarity(one, two[np.newaxis])[0]) == pytest.approx(exact(NEWS, other), abs=0.13)
    assert set(bands(one)) & set(bands(two))


def test_signatures_and_bands_are_the_same_in_every_process() -> None:
    signed = signature(POST)
    assert signed is not None
    assert (signed.dtype, signed.shape) == (np.uint32, (128,))
    assert int(signed.astype(np.uint64).sum()) == SUM
    assert len(set(bands(signed))) == 32
    assert bands(signed)[0] == FIRST


def test_a_long_text_is_hashed_in_pieces_and_gives_the_same_as_the_sum_of_its_shingles() -> None:
    text = "".join(chr(0x4E00 + (7 * at) % 5003) for at in range(5000))
    signed, found = signature(text), shingles(text)
    assert signed is not None
    assert found is not None
    assert len(found) == 4998
    assert float(similarity(signed, signed[np.newaxis])[0]) == 1.0
