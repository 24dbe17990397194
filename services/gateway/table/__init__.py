"""The public routes of the back ends, one row each. What is not here cannot be reached from outside."""

from services.gateway.table.assist import ASSIST
from services.gateway.table.insurance import INSURANCE
from services.gateway.table.intent import INTENT
from services.gateway.table.models import MODELS
from services.gateway.table.monitor import MONITOR
from services.gateway.table.profile import PROFILE
from services.gateway.table.recommend import RECOMMEND

ROWS = (*PROFILE, *RECOMMEND, *INTENT, *ASSIST, *MONITOR, *MODELS, *INSURANCE)
