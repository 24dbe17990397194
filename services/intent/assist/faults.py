"""What customer service refuses, each with its stable code."""

from services.kit.errors import Conflict, NotFound, ServiceError, TooManyRequests


class ConversationNotFound(NotFound):
    code = "conversation_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such conversation.", param="conversation_id")


class HandOffNotFound(NotFound):
    code = "hand_off_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such hand-off.", param="hand_off_id")


class DocumentNotFound(NotFound):
    code = "document_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such document.", param="document_id")


class ConversationExpired(ServiceError):
    status_code = 410
    code = "conversation_expired"

    def __init__(self) -> None:
        super().__init__("The conversation was left alone for too long: begin a new one, or ask for a person.")


class ConversationClosed(Conflict):
    code = "conversation_closed"

    def __init__(self) -> None:
        super().__init__("The conversation is closed: begin a new one.")


class ConversationBusy(Conflict):
    code = "conversation_busy"

    def __init__(self) -> None:
        super().__init__(
            "Another message of this conversation came first: send this one again.", headers={"Retry-After": "1"}
        )


class ConversationFull(Conflict):
    code = "conversation_full"

    def __init__(self) -> None:
        super().__init__("The conversation has as many messages as one may have: begin a new one.")


class NotWithAgent(Conflict):
    code = "not_with_agent"

    def __init__(self) -> None:
        super().__init__("No person has this conversation now.")


class AlreadyClaimed(Conflict):
    code = "already_claimed"

    def __init__(self) -> None:
        super().__init__("Somebody else has this conversation.", param="agent_id")


class MessageNotFound(NotFound):
    code = "message_not_found"

    def __init__(self) -> None:
        super().__init__("The conversation has no such message.", param="number")


class NotCorrectable(Conflict):
    code = "not_correctable"

    def __init__(self) -> None:
        super().__init__("Only what the person wrote has a label.", param="number")


class KnowledgeFull(Conflict):
    code = "knowledge_full"

    def __init__(self, most: int) -> None:
        super().__init__(f"All documents together may have {most} passages.", param="content")


class ModelBusy(TooManyRequests):
    code = "queue_full"
