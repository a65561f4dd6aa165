"""What vulnerable packages are found and mended by: Amazon Inspector, and the commands of Systems Manager."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

FINDINGS = "Amazon Inspector API Reference, ListFindings"
SCANS = "Amazon Inspector User Guide, Scanning Amazon EC2 instances with Amazon Inspector"
INTEGRATION = "Amazon Inspector User Guide, Amazon Inspector integration with AWS Security Hub"
AGENTS = "Systems Manager API Reference, DescribeInstanceInformation"
SCRIPTS = "Systems Manager User Guide, Command document plugin reference"
COMMANDS = "Systems Manager API Reference, SendCommand, ListCommands and ListCommandInvocations"

BEHAVIOURS = (
    *behaviours(
        "inspector2",
        "test_inspector_service",
        (
            (
                "findings",
                "Findings are listed in pages, by filters of which each admits any of its values.",
                FINDINGS,
                "test_findings_are_listed_by_every_filter_and_any_of_its_values_in_pages "
                "test_nothing_is_found_where_instances_are_not_scanned",
            ),
            (
                "closing",
                "A finding is closed once the inventory of the instance shows its packages fixed or gone; the "
                "inventory is collected every 30 minutes while the instance runs.",
                SCANS,
                "test_a_finding_is_closed_and_archived_once_an_inventory_shows_the_package_fixed_or_gone "
                "test_an_instance_that_is_stopped_keeps_its_findings",
            ),
            (
                "security-hub",
                "Findings reach Security Hub in the format of Inspector's example, and are archived when they close.",
                INTEGRATION,
                "test_security_hub_gets_each_finding_in_the_documented_format "
                "test_a_finding_is_closed_and_archived_once_an_inventory_shows_the_package_fixed_or_gone",
            ),
        ),
    ),
    *behaviours(
        "ssm",
        "test_ssm_commands_service",
        (
            (
                "managed-instances",
                "Instances whose agent has registered are listed, online while they run.",
                AGENTS,
                "test_an_instance_is_managed_where_its_agent_says_so_and_online_while_it_runs",
            ),
            (
                "command-scripts",
                "The script of a Command document of schema 2.2 (aws:runShellScript) is really run, by bash, with its "
                "parameters put in: its PATH holds the package managers of the simulated instance and nothing else, "
                "and they change what that has installed.",
                SCRIPTS,
                "test_a_script_runs_with_its_parameters_and_nothing_but_the_package_managers_in_its_path "
                "test_each_package_manager_installs_what_its_repositories_have "
                "test_a_step_for_another_platform_is_skipped",
            ),
            (
                "commands",
                "A command is taken and run in its time, and its invocations tell status, code and output; commands "
                "are listed with their parameters, for 30 days.",
                COMMANDS,
                "test_a_command_takes_its_time_and_is_listed_with_what_it_has_said "
                "test_commands_are_listed_with_their_parameters_for_thirty_days",
            ),
            (
                "commands-refused",
                "Documents of AWS, unknown documents, instances that are not managed, and parameters that a document "
                "does not have or allow are refused before anything runs.",
                COMMANDS,
                "test_documents_of_aws_unknown_ones_and_other_parameters_are_refused "
                "test_what_is_not_simulated_of_commands_is_refused_by_name",
            ),
        ),
    ),
)

DIFFERENCES = (
    *differences(
        "inspector2",
        (
            "detection",
            "No vulnerability is looked up: tests and scenarios say which package has which.",
            "Findings come by a hook in the process, one package each; of packages inside applications none is closed.",
        ),
        (
            "filters",
            "Filters but resourceId, findingType, findingStatus, fixAvailable, severity, exploitAvailable, "
            "vulnerabilityId and the name in vulnerablePackages are refused with 501, and so is an order.",
            "Network reachability and code findings, images, functions and suppression are not simulated.",
        ),
    ),
    *differences(
        "ssm",
        (
            "command-documents",
            "Documents but those of schema 2.2 with one step aws:runShellScript, targets, rate control, a document's "
            "hash, output to S3 and CancelCommand are refused with 501.",
            "Any other command document cannot be tried here. A version that is not there answers InvalidDocument.",
        ),
        (
            "command-machine",
            "A script has an empty environment, not a machine of its own: what it names by a path outside of its "
            "folder is this machine's.",
            "Run documents that you trust. Package managers know the forms of the calls that documents here use; any "
            "other ends with status 64.",
        ),
    ),
)
