"""The components' own shortcuts give what the plain way gives. They run in Rasa's environment."""

from __future__ import annotations

import subprocess

import pytest

from nlu import training

SCORES = """
import numpy as np
from nlu.components.scoring import IntentScorer
words = "phí hộ chiếu bao nhiêu giấy tờ ở đâu nộp kết hôn".split()
texts = [" ".join(words[n % 5 : n % 5 + 2 + n % 4]) + f", câu {n % 7}" for n in range(60)]
intents = ["fee" if "bao" in text else "where" if "đâu" in text else "papers" for text in texts]
scorer = IntentScorer(vectors_below=0).fit(texts, intents)
linear = scorer.linear
plain = linear._features.transform(texts) @ linear._weights + linear._biases
assert np.allclose(plain, linear.scores(texts), atol=1e-4)
chances = scorer.score(["hộ chiếu bao nhiêu", "", "xyz"])
assert np.allclose(chances.sum(axis=1), 1)
assert scorer.intents[chances[0].argmax()] == "fee"
"""

SPANS = """
from nlu.components.spans import Marked, Span, SpanTagger, looks_of
cities = ["huế", "vinh", "hà nội", "đà nẵng", "cần thơ", "nha trang"]
def flight(one, other):
    words = ["bay", "từ", *one.split(), "tới", *other.split()]
    end = 2 + len(one.split())
    return Marked(words, [Span(2, end, "from"), Span(end + 1, len(words), "to")])
sentences = [flight(one, other) for one in cities for other in cities if one != other]
sentences += [Marked(["tìm", "vé", "rẻ", "nhất"], [Span(2, 4, "price")])] * 5
looks = looks_of(sentences, 0.08)
assert looks["from"] == looks["to"] != looks["price"]
tagger = SpanTagger().fit(sentences, {"from": [["phú", "quốc"]], "to": [["phú", "quốc"]]})
for words in ("bay từ phú quốc tới huế", "bay tu phu quoc toi hue"):
    found = [span for span, _ in tagger.tag(words.split())]
    assert found == [Span(2, 4, "from"), Span(5, 6, "to")], found
assert all(0 <= sure <= 1 for _, sure in tagger.tag("bay từ huế".split()))
assert tagger.tag([]) == []
"""

FEW = """
import numpy as np
from nlu.components.scoring import IntentScorer
asked = {"fee": ["làm hộ chiếu hết bao nhiêu tiền", "lệ phí đăng ký kết hôn", "tách thửa tốn mấy đồng"],
         "where": ["nộp hồ sơ ở đâu", "ra cơ quan nào làm", "tới chỗ nào để nộp"],
         "time": ["bao lâu thì xong", "mấy ngày có kết quả", "khi nào lấy được"]}
pairs = [(text, intent) for intent, texts in asked.items() for text in texts]
scorer = IntentScorer().fit(*map(list, zip(*pairs)))
assert scorer.dense is not None
told = scorer.score(["chi phí hết bao nhiêu vậy", "nộp giấy ở đâu"])
assert [scorer.intents[row.argmax()] for row in told] == ["fee", "where"]
without = scorer._chances([scorer.linear.scores(["chi phí hết bao nhiêu vậy", "nộp giấy ở đâu"])])
assert not np.allclose(told, without)  # the vectors were asked
assert scorer.linear.lost_accents("chi phi bao nhieu vay")
"""

TYPOS = """
import pickle
from nlu.components.typos import Speller, one_slip
sentences = ["nộp hồ sơ ở đâu", "hồ sơ gồm giấy tờ gì", "giấy tờ nộp ở xã", "xin giấy ở xã"]
speller = pickle.loads(pickle.dumps(Speller().fit(text.split() for text in sentences)))
for typed, meant in (("nộp hồ sơ ơở xã", "nộp hồ sơ ơở xã"), ("xin gấiy ở xã", "xin giấy ở xã"),
                     ("xin igay tờ", "xin giay tờ"), ("giaấy tờ gì", "giấy tờ gì"),
                     ("shopee ở đâu", "shopee ở đâu")):
    assert speller.correct(typed.split()) == meant.split(), speller.correct(typed.split())
assert speller.correct([]) == []
near = [("giay", "gaiy"), ("giay", "giaay"), ("giay", "gia"), ("giay", "gisy")]
assert all(one_slip(a, b) and one_slip(b, a) for a, b in near)
assert not one_slip("giay", "gaiyy") and not one_slip("giay", "yaig") and not one_slip("giay", "giay")
"""

CLAUSES = """
import numpy as np
from nlu.components.clauses import Clauses
class Scorer:
    intents = ["docs", "fee", "thank"]
    def score(self, texts):
        rows = {"giấy": [.9, .1, 0], "tiền": [.1, .9, 0], "": [0, .1, .9]}
        return np.array([next(row for word, row in rows.items() if word in text) for text in texts])
clauses = Clauses(Scorer(), aside=["thank"], alone=[])
docs, fee, thank = np.array([.9, .1, 0]), np.array([.1, .9, 0]), np.array([0, .1, .9])
assert [i for i, _ in clauses.asked("cần giấy gì và bao nhiêu tiền", fee)] == ["fee", "docs"]
assert [i for i, _ in clauses.asked("bao nhiêu tiền, cảm ơn ad", thank)] == ["fee"]
assert [i for i, _ in clauses.asked("cần giấy gì", docs)] == ["docs"]
assert [i for i, _ in clauses.asked("đóng tiền rồi, cần giấy gì", docs)] == ["docs"]
assert [i for i, _ in clauses.asked(", , .", thank)] == ["thank"]
"""


@pytest.mark.parametrize(
    "code", [SCORES, SPANS, FEW, TYPOS, CLAUSES], ids=["scores", "spans", "few", "typos", "clauses"]
)
def test_in_rasas_environment(code: str) -> None:
    done = subprocess.run(
        [str(training.rasa_python()), "-c", code],
        env=training.environment(), cwd=training.ROOT, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-1500:]
