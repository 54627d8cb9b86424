"""The fields of transactions as data: name, number and type of each, and the numbers of the transaction types.

Facts of rippled's ``sfields.macro`` and ``transactions.macro``, as servers publish them by ``server_definitions``.
Fields of the types Number and XChainBridge are left out: a transaction that has one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["FIELDS", "NOT_SIGNED", "TRANSACTION_TYPES", "Field", "by_code"]


class Field(NamedTuple):
    """A field: ``type_code`` and ``number`` are its place in the canonical order and its header."""

    name: str
    type: str
    type_code: int
    number: int

    @property
    def header(self) -> bytes:
        """One to three bytes in front of the field's value."""
        kind, number = self.type_code, self.number
        if kind < 16 and number < 16:
            return bytes((kind << 4 | number,))
        if kind < 16:
            return bytes((kind << 4, number))
        return bytes((number, kind)) if number < 16 else bytes((0, kind, number))


_TYPES: Final[Mapping[str, int]] = {
    "UInt8": 16,
    "UInt16": 1,
    "UInt32": 2,
    "UInt64": 3,
    "Int32": 10,
    "Hash128": 4,
    "Hash192": 21,
    "Hash256": 5,
    "Amount": 6,
    "Blob": 7,
    "AccountID": 8,
    "Currency": 26,
    "Issue": 24,
    "Vector256": 19,
    "PathSet": 18,
    "STObject": 14,
    "STArray": 15,
}

_NAMES: Final[Mapping[str, str]] = {
    "UInt8": "Scale:4 AssetScale:5 TickSize:16 WasLockingChainSend:19 WithdrawalPolicy:20 VaultKind:22",
    "UInt16": "TransactionType:2 SignerWeight:3 TransferFee:4 TradingFee:5 LedgerFixType:21 ManagementFeeRate:22",
    "UInt32": """
        NetworkID:1 Flags:2 SourceTag:3 Sequence:4 Expiration:10 TransferRate:11 DestinationTag:14
        LastUpdateTime:15 QualityIn:20 QualityOut:21 OfferSequence:25 LastLedgerSequence:27
        OperationLimit:29 SetFlag:33 ClearFlag:34 SignerQuorum:35 CancelAfter:36 FinishAfter:37
        SettleDelay:39 TicketCount:40 TicketSequence:41 NFTokenTaxon:42 OracleDocumentID:51
        PermissionValue:52 ImmutableFlags:53 PaymentInterval:55 GracePeriod:56 PaymentTotal:60
        CoverRateMinimum:62 CoverRateLiquidation:63 OverpaymentFee:64 InterestRate:65 LateInterestRate:66
        CloseInterestRate:67 OverpaymentInterestRate:68 SponsorFlags:74 SubscriptionDate:75
        RedemptionDate:76
    """,
    "UInt64": "XChainClaimID:20 XChainAccountCreateCount:21 AssetPrice:23 MaximumAmount:24 MPTAmount:26",
    "Int32": "RemainingOwnerCountDelta:2",
    "Hash128": "EmailHash:1",
    "Hash192": "MPTokenIssuanceID:1",
    "Hash256": """
        PreviousTxnID:5 WalletLocator:7 AccountTxnID:9 NFTokenID:10 BookDirectory:16 InvoiceID:17 Channel:22
        CheckID:24 NFTokenBuyOffer:28 NFTokenSellOffer:29 DomainID:34 VaultID:35 LoanBrokerID:37 LoanID:38
        BlindingFactor:40 ObjectID:41
    """,
    "Amount": """
        Amount:1 Balance:2 LimitAmount:3 TakerPays:4 TakerGets:5 Fee:8 SendMax:9 DeliverMin:10 Amount2:11
        BidMin:12 BidMax:13 NFTokenBrokerFee:19 LPTokenOut:25 LPTokenIn:26 EPrice:27 SignatureReward:29
        MinAccountCreateAmount:30 MaxFee:33 FeeAmountDelta:34
    """,
    "Blob": """
        MessageKey:2 SigningPubKey:3 TxnSignature:4 URI:5 Signature:6 Domain:7 MemoType:12 MemoData:13
        MemoFormat:14 Fulfillment:16 Condition:17 DIDDocument:26 Data:27 AssetClass:28 Provider:29
        MPTokenMetadata:30 CredentialType:31 IssuerEncryptionKey:35 HolderEncryptionKey:36 ZKProof:37
        HolderEncryptedAmount:38 IssuerEncryptedAmount:39 SenderEncryptedAmount:40
        DestinationEncryptedAmount:41 AuditorEncryptedAmount:43 AuditorEncryptionKey:44 AmountCommitment:45
        BalanceCommitment:46
    """,
    "AccountID": """
        Account:1 Owner:2 Destination:3 Issuer:4 Authorize:5 Unauthorize:6 RegularKey:8 NFTokenMinter:9
        Holder:11 Delegate:12 OtherChainSource:18 OtherChainDestination:19 AttestationSignerAccount:20
        AttestationRewardAccount:21 Subject:24 Counterparty:26 Sponsor:27 CounterpartySponsor:30 Sponsee:31
    """,
    "Currency": "BaseAsset:1 QuoteAsset:2",
    "Issue": "Asset:3 Asset2:4",
    "Vector256": "NFTokenOffers:4 CredentialIDs:5",
    "PathSet": "Paths:1",
    "STObject": """
        Memo:10 SignerEntry:11 Permission:15 Signer:16 VoteEntry:25 AuthAccount:27 PriceData:32
        Credential:33 RawTransaction:34 BatchSigner:35 CounterpartySignature:37 SponsorSignature:38
    """,
    "STArray": """
        Signers:3 SignerEntries:4 Memos:9 PriceDataSeries:24 AuthAccounts:25 AuthorizeCredentials:26
        UnauthorizeCredentials:27 AcceptedCredentials:28 Permissions:29 RawTransactions:30 BatchSigners:31
    """,
}

_TRANSACTIONS: Final = """
    Payment:0 EscrowCreate:1 EscrowFinish:2 AccountSet:3 EscrowCancel:4 SetRegularKey:5 OfferCreate:7
    OfferCancel:8 TicketCreate:10 SignerListSet:12 PaymentChannelCreate:13 PaymentChannelFund:14
    PaymentChannelClaim:15 CheckCreate:16 CheckCash:17 CheckCancel:18 DepositPreauth:19 TrustSet:20
    AccountDelete:21 NFTokenMint:25 NFTokenBurn:26 NFTokenCreateOffer:27 NFTokenCancelOffer:28
    NFTokenAcceptOffer:29 Clawback:30 AMMClawback:31 AMMCreate:35 AMMDeposit:36 AMMWithdraw:37
    AMMVote:38 AMMBid:39 AMMDelete:40 XChainCreateClaimID:41 XChainCommit:42 XChainClaim:43
    XChainAccountCreateCommit:44 XChainAddClaimAttestation:45 XChainAddAccountCreateAttestation:46
    XChainModifyBridge:47 XChainCreateBridge:48 DIDSet:49 DIDDelete:50 OracleSet:51 OracleDelete:52
    LedgerStateFix:53 MPTokenIssuanceCreate:54 MPTokenIssuanceDestroy:55 MPTokenIssuanceSet:56
    MPTokenAuthorize:57 CredentialCreate:58 CredentialAccept:59 CredentialDelete:60 NFTokenModify:61
    PermissionedDomainSet:62 PermissionedDomainDelete:63 DelegateSet:64 VaultCreate:65 VaultSet:66
    VaultDelete:67 VaultDeposit:68 VaultWithdraw:69 VaultClawback:70 Batch:71 LoanBrokerSet:74
    LoanBrokerDelete:75 LoanBrokerCoverDeposit:76 LoanBrokerCoverWithdraw:77 LoanBrokerCoverClawback:78
    LoanSet:80 LoanDelete:81 LoanManage:82 LoanPay:84 ConfidentialMPTConvert:85
    ConfidentialMPTMergeInbox:86 ConfidentialMPTConvertBack:87 ConfidentialMPTSend:88
    ConfidentialMPTClawback:89 SponsorshipTransfer:90 SponsorshipSet:91
"""


def _table() -> dict[str, Field]:
    found = {}
    for kind, listed in _NAMES.items():
        for item in listed.split():
            name, _, number = item.partition(":")
            found[name] = Field(name, kind, _TYPES[kind], int(number))
    return found


FIELDS: Final[Mapping[str, Field]] = MappingProxyType(_table())
"""Every known field by its name."""

_BY_CODE: Final = {(field.type_code, field.number): field for field in FIELDS.values()}

NOT_SIGNED: Final = frozenset(
    ["BatchSigners", "CounterpartySignature", "Signature", "Signers", "SponsorSignature", "TxnSignature"]
)
"""The fields that signatures do not cover."""

TRANSACTION_TYPES: Final[Mapping[str, int]] = MappingProxyType(
    {name: int(number) for name, _, number in (item.partition(":") for item in _TRANSACTIONS.split())}
)
"""The types of transactions that accounts can send, by name."""


def by_code(type_code: int, number: int) -> Field | None:
    """The field with these numbers."""
    return _BY_CODE.get((type_code, number))
