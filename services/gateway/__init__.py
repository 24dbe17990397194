"""The edge: it composes the answers of the back ends, knows who calls, and forwards the rest."""
