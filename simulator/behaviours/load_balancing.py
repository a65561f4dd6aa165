"""Load balancers and their traffic."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

CREATE = "Elastic Load Balancing API Reference (2015-12-01), CreateLoadBalancer"
DELETE = "Elastic Load Balancing API Reference (2015-12-01), DeleteLoadBalancer"
METRICS = "User guides of Application, Network and Gateway Load Balancers, CloudWatch metrics"

BEHAVIOURS = (
    *behaviours(
        "elbv2",
        "test_load_balancers_service",
        (
            (
                "types",
                "ARNs and DNS names are those of the type; a gateway load balancer has no DNS name; the same settings "
                "again are the same load balancer.",
                CREATE,
                "test_arns_and_dns_names_are_of_their_type "
                "test_the_same_again_is_the_same_and_other_settings_are_refused "
                "test_a_load_balancer_is_created_in_the_organisations_time_and_is_active_after_a_while "
                "test_load_balancers_come_in_pages_and_unknown_ones_are_an_error",
            ),
            (
                "deletion",
                "Deletion protection and endpoint services keep a load balancer; deleting a missing one succeeds.",
                DELETE,
                "test_a_protected_load_balancer_is_not_deleted_and_a_missing_one_is_already "
                "test_a_load_balancer_of_an_endpoint_service_is_in_use "
                "test_deletion_is_allowed_by_the_load_balancers_arn",
            ),
            (
                "target-health",
                "Targets without a listener are unused, deregistered ones drain for the target group's delay.",
                "Application Load Balancer user guide, Health checks for target groups",
                "test_targets_without_a_listener_are_unused_and_deregistered_ones_drain",
            ),
            (
                "traffic",
                "Traffic is reported by the metrics of the type, under its dimension; without traffic there are no "
                "data points, but for a network load balancer's ActiveFlowCount.",
                METRICS,
                "test_traffic_is_measured_while_it_flows test_open_flows_are_averaged_over_the_time_without_any",
            ),
        ),
    ),
    *behaviours(
        "elb",
        "test_load_balancers_service",
        (
            (
                "classic",
                "A classic load balancer has a DNS name of its Region, and reports requests under its name.",
                "Classic Load Balancer user guide, CloudWatch metrics for your Classic Load Balancer",
                "test_arns_and_dns_names_are_of_their_type "
                "test_requests_of_a_classic_load_balancer_are_counted_by_its_name",
            ),
            (
                "recorded",
                "AWS Config records it under its name, and the others under their ARNs.",
                "AWS Config Developer Guide, Supported Resource Types",
                "test_config_records_both_kinds_under_their_own_ids",
            ),
        ),
    ),
)

DIFFERENCES = (
    *differences(
        "elbv2",
        (
            "packets",
            "No packet flows: what a load balancer measured is said (`LoadBalancers.traffic.carry`). Metrics of target "
            "groups and zones, errors and bytes are not reported.",
            "A control that needs another metric finds no data points.",
        ),
        (
            "targets",
            "Registered targets behind a listener are healthy at once; health checks are not made. Listeners, rules "
            "and target groups are moto's.",
            "Failing health checks cannot be shown.",
        ),
    ),
    *differences(
        "elb",
        (
            "moto",
            "Listeners, instances, policies and attributes of classic load balancers are moto's, unchecked.",
            "See the list of services that moto answers.",
        ),
    ),
)
