"""A FIDO2 authenticator as a factor: the extension hmac-secret gives 32 bytes that never leave it otherwise."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final, Protocol

from ..errors import MissingExtra, VaultError
from .factor_records import Fido2Factor

__all__ = ["Fido2Authenticator", "HmacSecretDevice", "new_factor"]

RELYING_PARTY: Final = "vault.multiwallet.invalid"
"""No web site can have this name (RFC 2606), so none can ask an authenticator for a vault's secret."""


class HmacSecretDevice(Protocol):
    """Anything that makes credentials with hmac-secret and answers for them."""

    def make_credential(self, relying_party: str) -> tuple[bytes, bool]:
        """A new credential: its id, and whether the device will verify its user (PIN, fingerprint)."""

    def hmac_secret(self, factor: Fido2Factor) -> bytearray | None:
        """The 32 bytes of a credential and a salt, or None where the credential is another device's."""


class Fido2Authenticator:
    """An authenticator on USB, or any ``CtapDevice`` of the package ``fido2``.

    Without ``device`` the first one found is taken. ``pin`` is called when the device asks for its PIN, ``touch``
    when it waits to be touched. Raises :class:`~multiwallet.errors.MissingExtra` (``fido2``) and
    :class:`~multiwallet.errors.VaultError`.
    """

    __slots__ = ("_device", "_pin", "_touch")

    def __init__(
        self,
        device: Any = None,
        *,
        pin: Callable[[], str | None] | None = None,
        touch: Callable[[], None] | None = None,
    ) -> None:
        self._device = _first_device() if device is None else device
        self._pin = pin
        self._touch = touch

    def make_credential(self, relying_party: str) -> tuple[bytes, bool]:
        """See :class:`HmacSecretDevice`. The credential is not resident: the device stores nothing."""
        webauthn = _library("fido2.webauthn")
        client = self._client(relying_party)
        verify_user = bool(client.info.options.get("clientPin") or client.info.options.get("uv"))
        options = webauthn.PublicKeyCredentialCreationOptions(
            rp=webauthn.PublicKeyCredentialRpEntity(id=relying_party, name="multiwallet vault"),
            user=webauthn.PublicKeyCredentialUserEntity(id=secrets.token_bytes(16), name="vault"),
            challenge=secrets.token_bytes(32),
            pub_key_cred_params=[webauthn.PublicKeyCredentialParameters(type="public-key", alg=-7)],
            authenticator_selection=webauthn.AuthenticatorSelectionCriteria(
                user_verification="required" if verify_user else "discouraged"
            ),
            extensions={"hmacCreateSecret": True},
        )
        response = self._ask(lambda: client.make_credential(options))
        if not response.client_extension_results.hmac_create_secret:
            raise VaultError("this authenticator has no hmac-secret: it cannot be a factor of a vault")
        return bytes(response.response.attestation_object.auth_data.credential_data.credential_id), verify_user

    def hmac_secret(self, factor: Fido2Factor) -> bytearray | None:
        """See :class:`HmacSecretDevice`."""
        webauthn, client_module = _library("fido2.webauthn"), _library("fido2.client")
        client = self._client(factor.relying_party)
        options = webauthn.PublicKeyCredentialRequestOptions(
            challenge=secrets.token_bytes(32),
            rp_id=factor.relying_party,
            allow_credentials=[webauthn.PublicKeyCredentialDescriptor(type="public-key", id=factor.credential_id)],
            user_verification="required" if factor.verify_user else "discouraged",
            extensions={"hmacGetSecret": {"salt1": factor.salt}},
        )
        try:
            assertion = self._ask(lambda: client.get_assertion(options), unknown=client_module.ClientError)
        except LookupError:
            return None
        given = assertion.get_response(0).client_extension_results.hmac_get_secret
        output = getattr(given, "output1", None)
        if output is None:
            raise VaultError("the authenticator did not answer with hmac-secret")
        return bytearray(output)

    def _client(self, relying_party: str) -> Any:
        client, extensions = _library("fido2.client"), _library("fido2.ctap2.extensions")
        interaction = client.UserInteraction()
        pin, touch = self._pin, self._touch
        interaction.request_pin = lambda permissions, rp_id: None if pin is None else pin()
        if touch is not None:
            interaction.prompt_up = touch
        collector = client.DefaultClientDataCollector(f"https://{relying_party}", verify=lambda rp, origin: True)
        return client.Fido2Client(
            self._device,
            collector,
            user_interaction=interaction,
            extensions=[extensions.HmacSecretExtension(allow_hmac_secret=True)],
        )

    def _ask(self, question: Callable[[], Any], unknown: type[Exception] | None = None) -> Any:
        client = _library("fido2.client")
        try:
            return question()
        except client.ClientError as error:
            if unknown is not None and error.code == client.ClientError.ERR.DEVICE_INELIGIBLE:
                raise LookupError from None
            raise VaultError(f"the authenticator refused: {error.code.name.lower().replace('_', ' ')}") from None
        except (OSError, ValueError) as error:
            raise VaultError(f"the authenticator cannot be talked to ({type(error).__name__})") from None

    def __repr__(self) -> str:
        return "<Fido2Authenticator>"


def new_factor(device: HmacSecretDevice) -> tuple[Fido2Factor, bytearray]:
    """A new credential on a device and the 32 bytes it gives for a fresh salt."""
    credential_id, verify_user = device.make_credential(RELYING_PARTY)
    factor = Fido2Factor(RELYING_PARTY, credential_id, secrets.token_bytes(32), verify_user)
    secret = device.hmac_secret(factor)
    if secret is None or len(secret) != 32:
        raise VaultError("the authenticator did not know the credential that it had just made")
    return factor, secret


def _first_device() -> Any:
    hid = _library("fido2.hid")
    try:
        return next(iter(hid.CtapHidDevice.list_devices()))
    except StopIteration:
        raise VaultError("there is no FIDO2 authenticator: plug it in") from None
    except OSError as error:
        raise VaultError(f"the authenticators cannot be listed: {error.strerror}") from None


def _library(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtra(
            'FIDO2 needs an optional part: pip install "multiwallet-sdk[fido2]"', extra="fido2"
        ) from None
