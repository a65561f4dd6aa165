"""Sessions of the functions: each client is made once."""

from __future__ import annotations

from botocore.config import Config

from lambdas.sessions import KeptClients


def session() -> KeptClients:
    return KeptClients(aws_access_key_id="AKIA", aws_secret_access_key="secret", region_name="eu-west-1")


def test_a_session_gives_out_the_same_client_of_a_service_again() -> None:
    here = session()
    assert here.client("s3") is here.client("s3")
    assert here.client("s3") is not here.client("kms")


def test_a_client_with_options_of_its_own_is_no_other_callers() -> None:
    here = session()
    plain = here.client("sts")
    patient = here.client("sts", config=Config(read_timeout=7))
    assert patient.meta.config.read_timeout == 7
    assert here.client("sts") is plain is not patient


def test_sessions_share_no_client() -> None:
    assert session().client("sts") is not session().client("sts")
