"""Monitoring: surges found before the detectors were two lose the series from the detectors' names, and their hours of the old form.

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute(
        """
        UPDATE monitor_surges
        SET detectors = ARRAY(
                SELECT DISTINCT regexp_replace(detector, '^(count|share)_', '') AS name
                FROM unnest(detectors) AS each(detector) ORDER BY name
            ),
            evidence = jsonb_set(evidence, '{hours}', '[]')
        WHERE detectors && ARRAY['count_ewma', 'count_cusum', 'share_ewma', 'share_cusum']
        """
    )


def downgrade() -> None:
    op.execute(
        """
        UPDATE monitor_surges
        SET detectors = ARRAY(SELECT 'count_' || detector FROM unnest(detectors) AS each(detector)),
            evidence = jsonb_set(evidence, '{hours}', '[]')
        WHERE detectors && ARRAY['ewma', 'cusum']
        """
    )
