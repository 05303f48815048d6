"""Dead letters in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from meghdoot.adapters.memory.effects import Io, effect, silent
from meghdoot.areas.messaging.redriving import DeadLetter


@dataclass
class MemoryDeadLetters:
    """Letters by handle; `sent` is the queue that they came from."""

    waiting: dict[str, DeadLetter] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    io: Io = silent
    _taken: set[str] = field(default_factory=set)

    def give_up(self, *bodies: str) -> None:
        """Bodies of messages that were given up."""
        for body in bodies:
            handle = f"h{len(self.waiting) + len(self._taken)}"
            self.waiting[handle] = DeadLetter(body, handle)

    def take(self) -> list[DeadLetter]:
        with effect(self.io, "take dead letters"):
            found = [letter for handle, letter in self.waiting.items() if handle not in self._taken][:10]
            self._taken |= {letter.handle for letter in found}
            return found

    def put_back(self, letter: DeadLetter) -> None:
        with effect(self.io, "put back"):
            self.sent.append(letter.body)
        self.drop(letter)

    def drop(self, letter: DeadLetter) -> None:
        with effect(self.io, "drop dead letter"):
            self.waiting.pop(letter.handle, None)
