"""Asks services whether they are ready."""

import http.client
import json

from kuajie.ports import LOOPBACK

PROBE_SECONDS = 5.0


def not_ready(port: int) -> str | None:
    """Why the service on `port` cannot serve yet, in its own words; None when it can."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read()
    except OSError:
        return "does not answer"
    except http.client.HTTPException as error:
        return f"answers no HTTP ({type(error).__name__})"
    finally:
        connection.close()
    if answer.status == 200:
        return None
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"answers {answer.status}"
