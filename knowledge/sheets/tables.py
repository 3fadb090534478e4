"""The three tables that officials fill in as xlsx: where their rows stand in the content, and their columns.

ValueError
└── KeyFault: a row that belongs to no record
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from knowledge.portal_columns import WAYS
from knowledge.records import NOT_STATED
from knowledge.search import folded_words
from knowledge.sheets.columns import (
    Choice,
    Code,
    Column,
    Day,
    Grams,
    Money,
    Phone,
    Sources,
    Value,
    Words,
    plain_text,
)

Table = Literal["fees", "contacts", "tariffs"]
Content = Mapping[tuple[str, str], Any]
Entry = Mapping[str, Any]
Path = tuple[str | int, ...]

ABOUT = {
    "public_services": "dịch vụ công",
    "portal": "Cổng Dịch vụ công",
    "payment": "thanh toán",
    "postal": "dịch vụ bưu chính",
    "health": "y tế",
}
DISTANCES = {
    "within_district": "trong huyện",
    "between_districts": "khác huyện",
    "between_provinces": "khác tỉnh",
}
PROVINCES = (  # of before 1/7/2025; those of today bear names of theirs
    "An Giang|Bà Rịa - Vũng Tàu|Bạc Liêu|Bắc Giang|Bắc Kạn|Bắc Ninh|Bến Tre|Bình Dương|Bình Định|"
    "Bình Phước|Bình Thuận|Cà Mau|Cao Bằng|Cần Thơ|Đà Nẵng|Đắk Lắk|Đắk Nông|Điện Biên|Đồng Nai|"
    "Đồng Tháp|Gia Lai|Hà Giang|Hà Nam|Hà Nội|Hà Tĩnh|Hải Dương|Hải Phòng|Hậu Giang|Hòa Bình|"
    "Hồ Chí Minh|Huế|Hưng Yên|Khánh Hòa|Kiên Giang|Kon Tum|Lai Châu|Lạng Sơn|Lào Cai|Lâm Đồng|Long An|"
    "Nam Định|Nghệ An|Ninh Bình|Ninh Thuận|Phú Thọ|Phú Yên|Quảng Bình|Quảng Nam|Quảng Ngãi|Quảng Ninh|"
    "Quảng Trị|Sóc Trăng|Sơn La|Tây Ninh|Thái Bình|Thái Nguyên|Thanh Hóa|Thừa Thiên Huế|Tiền Giang|"
    "Trà Vinh|Tuyên Quang|Vĩnh Long|Vĩnh Phúc|Yên Bái"
).split("|")
_CHANNELS: dict[str, str] = {code: way for way, code in WAYS.items()}


class KeyFault(ValueError):
    """A key cell that names no record; ``field`` is its column."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True)
class Place:
    """Where a list of entries stands: the record's kind and key, and the path to the list inside it."""

    kind: str
    key: str
    path: Path


class Rows:
    """A table over one state of the content; its first column is the owner of a row (procedure, province).

    While a sheet has no row of an owner, the owner's entries stay. ``same`` are the fields that make two
    entries the same thing at different times, ``called`` those by which a changed one is still known.
    """

    title: ClassVar[str]
    same: ClassVar[tuple[str, ...]]
    called: ClassVar[tuple[str, ...]]
    columns: tuple[Column, ...]

    def lists(self) -> Iterator[tuple[Place, list[Entry]]]:
        """Yield each list of entries, also the empty ones."""
        raise NotImplementedError

    def keys(self, place: Place, entry: Entry) -> dict[str, Value]:
        """Give the values of an entry's key columns."""
        raise NotImplementedError

    def find(self, keys: Mapping[str, Value]) -> Place:
        """Find the list that a row belongs to; raises KeyFault."""
        raise NotImplementedError

    def owner(self, place: Place, entry: Entry) -> Value:
        """Give what the entry belongs to, the value of the first column."""
        return self.keys(place, entry)[self.columns[0].field]

    def emptied(self) -> Any:
        """Give what to write for a list whose last entry was removed."""
        return []

    def values(self, place: Place, entry: Entry) -> dict[str, Value]:
        """Give the values of all columns for an entry."""
        keys = self.keys(place, entry)
        return {
            column.field: keys[column.field] if column.key else column.kind.of_data(entry.get(column.field))
            for column in self.columns
        }

    def entry(self, row: Mapping[str, Value], before: Entry | None = None) -> dict[str, Any]:
        """Write a row's values as plain data; of ``before`` only the fields that differ are touched."""
        entry = dict(before or {})
        for column in self.columns:
            name = column.field
            if column.key and not self._is_stored(column):
                continue
            if before is not None and column.kind.of_data(before.get(name)) == row[name]:
                continue
            entry[name] = column.kind.to_data(row[name])
            if row[name] is None and not (column.kept_null or (before and before.get(name, 1) is None)):
                del entry[name]
        return entry

    def _is_stored(self, column: Column) -> bool:  # noqa: ARG002
        """Tell whether a key column is a field of the entry itself."""
        return False


def _dates(*, kept_null: bool) -> tuple[Column, Column]:
    return (
        Column("valid_from", "Áp dụng từ ngày", Day(), 16, required=kept_null),
        Column("valid_to", "Đến hết ngày", Day(), 16, kept_null=kept_null),
    )


_SOURCES = Column("sources", "Văn bản làm căn cứ", Sources(), 40, required=True)


class Fees(Rows):
    """The fees of each channel of each procedure."""

    title = "Phí, lệ phí"
    same = ("what", "basis")
    called = ("what",)
    columns = (
        Column("code", "Mã thủ tục", Code(), 12, required=True, key=True),
        Column("name", "Tên thủ tục (chỉ để xem)", Words(), 44, key=True),
        Column("channel", "Cách nộp", Choice(_CHANNELS), 17, required=True, key=True),
        Column("amount", "Mức thu (đồng)", Money(may_be_silent=True), 16, required=True, per="what"),
        Column("what", "Thu cho", Words(), 44),
        Column("basis", "Căn cứ", Words(), 22),
        *_dates(kept_null=False),
    )

    def __init__(self, content: Content) -> None:
        self._procedures = {key: data for (kind, key), data in content.items() if kind == "procedure"}

    def lists(self) -> Iterator[tuple[Place, list[Entry]]]:
        """Yield the fees of each channel."""
        for code in sorted(self._procedures):
            for number, channel in enumerate(self._channels(code)):
                fees = channel.get("fees")
                place = Place("procedure", code, ("channels", number, "fees"))
                yield place, fees if isinstance(fees, list) else []

    def keys(self, place: Place, entry: Entry) -> dict[str, Value]:  # noqa: ARG002
        """Give code, name and channel."""
        channel = self._channels(place.key)[int(place.path[1])]["channel"]
        return {"code": place.key, "name": self._name(place.key), "channel": channel}

    def find(self, keys: Mapping[str, Value]) -> Place:
        """Find a channel's fees; the name, where it is given, has to be the code's."""
        code, name, channel = str(keys["code"]), keys["name"], str(keys["channel"])
        if code not in self._procedures:
            raise KeyFault("code", f"không có thủ tục mã {code}. Kiểm tra lại mã.")
        if name and folded_words(str(name)) != folded_words(self._name(code) or ""):
            raise KeyFault("name", f"mã {code} là “{self._name(code)}”. Sửa lại mã, hoặc để trống ô tên.")
        for number, each in enumerate(self._channels(code)):
            if each["channel"] == channel:
                return Place("procedure", code, ("channels", number, "fees"))
        way = _CHANNELS.get(channel, channel)
        raise KeyFault(
            "channel", f"thủ tục {code} không có cách nộp “{way}”. Thêm cách nộp vào thủ tục trước."
        )

    def emptied(self) -> Any:
        """Say that no fee is stated."""
        return NOT_STATED

    def _channels(self, code: str) -> list[Any]:
        channels = self._procedures[code].get("channels")
        return channels if isinstance(channels, list) else []

    def _name(self, code: str) -> str | None:
        return plain_text(self._procedures[code].get("name"))


class Contacts(Rows):
    """The telephone numbers of each province pack."""

    title = "Đường dây nóng"
    same = called = ("name",)

    def __init__(self, content: Content) -> None:
        self._packs = {key: data for (kind, key), data in content.items() if kind == "province"}
        names = [folded_words(data["name"]) for data in self._packs.values()]
        labels = {
            key: data["name"] if names.count(folded_words(data["name"])) == 1 else key
            for key, data in sorted(self._packs.items())
        }
        self.columns = (
            Column("province", "Tỉnh", Choice(labels), 20, required=True, key=True),
            Column("name", "Tên đường dây", Words(), 48, required=True),
            Column("phone", "Số điện thoại", Phone(), 18, required=True),
            Column("about", "Hỏi về", Choice(ABOUT), 20, required=True),
            *_dates(kept_null=True),
            _SOURCES,
        )

    def lists(self) -> Iterator[tuple[Place, list[Entry]]]:
        """Yield the contacts of each pack."""
        for key in sorted(self._packs):
            yield Place("province", key, ("contacts",)), list(self._packs[key].get("contacts") or ())

    def keys(self, place: Place, entry: Entry) -> dict[str, Value]:  # noqa: ARG002
        """Give the province."""
        return {"province": place.key}

    def find(self, keys: Mapping[str, Value]) -> Place:
        """Find a pack's contacts."""
        return Place("province", str(keys["province"]), ("contacts",))


class Tariffs(Rows):
    """What the post takes, by province."""

    title = "Cước bưu chính"
    same = called = ("province", "distance", "up_to_grams")

    def __init__(self, content: Content) -> None:
        self._tariffs: list[Entry] = list(content.get(("table", "tariffs")) or ())
        known = dict.fromkeys(str(plain_text(entry["province"])) for entry in self._tariffs)
        folded = {folded_words(name) for name in known}
        names = [*known, *(name for name in PROVINCES if folded_words(name) not in folded)]
        self.columns = (
            Column("province", "Tỉnh", Choice({name: name for name in names}), 20, required=True, key=True),
            Column("distance", "Quãng đường", Choice(DISTANCES), 16, required=True),
            Column("up_to_grams", "Nặng đến (gam)", Grams(), 16),
            Column("amount", "Giá cước (đồng)", Money(), 16, required=True, per="note"),
            Column("note", "Ghi chú", Words(), 30),
            *_dates(kept_null=True),
            _SOURCES,
        )

    def lists(self) -> Iterator[tuple[Place, list[Entry]]]:
        """Yield the one list."""
        yield Place("table", "tariffs", ()), self._tariffs

    def keys(self, place: Place, entry: Entry) -> dict[str, Value]:  # noqa: ARG002
        """Give the province."""
        return {"province": plain_text(entry["province"])}

    def find(self, keys: Mapping[str, Value]) -> Place:  # noqa: ARG002
        """Find the one list."""
        return Place("table", "tariffs", ())

    def _is_stored(self, column: Column) -> bool:
        return column.key


TABLES: Mapping[Table, type[Fees] | type[Contacts] | type[Tariffs]] = {
    "fees": Fees,
    "contacts": Contacts,
    "tariffs": Tariffs,
}
