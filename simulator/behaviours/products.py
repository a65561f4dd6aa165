"""Services whose findings controls begin with: GuardDuty, Macie."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

FINDINGS = "GuardDuty API Reference, ListFindings and GetFindings"
AGGREGATION = "GuardDuty User Guide, GuardDuty finding aggregation"
ARCHIVE = "GuardDuty API Reference, ArchiveFindings"
SAMPLES = "GuardDuty User Guide, Sample findings"
INTEGRATION = "GuardDuty User Guide, Integrating with AWS Security Hub"
SENSITIVE = "Macie API Reference, ListFindings and GetFindings"
PUBLICATION = "Macie User Guide, Evaluating findings with AWS Security Hub"

BEHAVIOURS = (
    *behaviours(
        "guardduty",
        "test_guardduty_service",
        (
            (
                "findings",
                "Findings are listed by criteria on their attributes, in order and in pages of fifty, and read by id.",
                FINDINGS,
                "test_a_finding_says_whose_key_it_is_about_and_is_listed_by_its_attributes "
                "test_findings_come_in_pages_of_fifty_and_in_the_order_asked_for test_what_is_asked_wrongly_is_refused",
            ),
            (
                "aggregation",
                "The same of the same resource is one finding, counted and updated.",
                AGGREGATION,
                "test_the_same_again_is_the_same_finding_counted_once_more",
            ),
            (
                "archive",
                "Archived findings are listed unless the criteria leave them out.",
                ARCHIVE,
                "test_archived_findings_are_listed_unless_the_criteria_leave_them_out",
            ),
            (
                "samples",
                "CreateSampleFindings makes marked findings about resources that are not there.",
                SAMPLES,
                "test_sample_findings_are_marked_and_about_nothing_that_is_there",
            ),
            (
                "security-hub",
                "Findings and their updates reach Security Hub in its format within minutes, where the account imports "
                "them.",
                INTEGRATION,
                "test_security_hub_gets_each_finding_in_its_own_format "
                "test_a_product_that_the_account_does_not_import_sends_nothing",
            ),
        ),
    ),
    *behaviours(
        "macie2",
        "test_macie_service",
        (
            (
                "findings",
                "Findings are listed by criteria on their attributes and in pages, and read by id.",
                SENSITIVE,
                "test_findings_are_listed_by_criteria_and_read_by_id test_nothing_is_answered_where_macie_is_not_on",
            ),
            (
                "security-hub",
                "Findings of sensitive data reach Security Hub, the bucket first, where the account says so.",
                PUBLICATION,
                "test_sensitive_data_is_told_to_security_hub_where_the_account_says_so_alone",
            ),
        ),
    ),
)

DIFFERENCES = (
    *differences(
        "guardduty",
        (
            "detection",
            "Nothing is detected: tests and scenarios say what GuardDuty finds.",
            "Findings other than samples come by a hook in the process, for AWS has no API that makes them.",
        ),
        (
            "types",
            "Eight finding types on access keys and instances, with fewer fields than AWS gives them.",
            "Sample findings of another type answer 501.",
        ),
        (
            "administrator",
            "An account archives its own findings; in an organization AWS lets the administrator alone do so.",
            "Administrator and members of GuardDuty are moto's, and see their own detectors alone.",
        ),
    ),
    *differences(
        "macie2",
        (
            "discovery",
            "No object is looked at: tests and scenarios say what Macie finds.",
            "Findings come by a hook in the process; jobs, samples and policy findings are not simulated.",
        ),
    ),
)
