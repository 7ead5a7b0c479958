-- AlterTable
ALTER TABLE "envelope" ADD COLUMN     "charge" JSONB;

-- CreateTable
CREATE TABLE "price_book" (
    "workspace_id" UUID NOT NULL,
    "currency" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "rows" JSONB NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "price_book_pkey" PRIMARY KEY ("workspace_id")
);

-- CreateTable
CREATE TABLE "meter" (
    "workspace_id" UUID NOT NULL,
    "prepaid" BOOLEAN NOT NULL DEFAULT false,
    "capped" BOOLEAN NOT NULL DEFAULT false,
    "balance" BIGINT NOT NULL DEFAULT 0,
    "sequence" BIGINT NOT NULL DEFAULT 0,
    "currency" TEXT,
    "prices_version" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "meter_pkey" PRIMARY KEY ("workspace_id")
);

-- CreateTable
CREATE TABLE "ledger" (
    "workspace_id" UUID NOT NULL,
    "sequence" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "balance" BIGINT NOT NULL,
    "once" UUID,
    "envelope_id" UUID,
    "message_id" UUID,
    "person_id" UUID,
    "note" TEXT,
    "principal" UUID,
    "key" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ledger_pkey" PRIMARY KEY ("workspace_id","sequence")
);

-- CreateTable
CREATE TABLE "cap" (
    "workspace_id" UUID NOT NULL,
    "scope" TEXT NOT NULL,
    "subject" UUID NOT NULL,
    "parts" BIGINT,
    "price" BIGINT,

    CONSTRAINT "cap_pkey" PRIMARY KEY ("workspace_id","scope","subject")
);

-- CreateTable
CREATE TABLE "cap_use" (
    "workspace_id" UUID NOT NULL,
    "scope" TEXT NOT NULL,
    "subject" UUID NOT NULL,
    "day" DATE NOT NULL,
    "parts" BIGINT NOT NULL,
    "price" BIGINT NOT NULL,

    CONSTRAINT "cap_use_pkey" PRIMARY KEY ("workspace_id","scope","subject")
);

-- CreateTable
CREATE TABLE "usage" (
    "workspace_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "account_id" UUID NOT NULL,
    "person_id" UUID NOT NULL,
    "direction" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "connector" TEXT NOT NULL,
    "messages" BIGINT NOT NULL,
    "parts" BIGINT NOT NULL,
    "price" BIGINT NOT NULL,

    CONSTRAINT "usage_pkey" PRIMARY KEY ("workspace_id","day","account_id","person_id","direction","prefix")
);

-- CreateIndex
CREATE UNIQUE INDEX "ledger_kind_once_key" ON "ledger"("kind", "once");

-- CreateIndex
CREATE UNIQUE INDEX "ledger_workspace_id_principal_key_key" ON "ledger"("workspace_id", "principal", "key");

-- What was entered stays as it was entered.
CREATE FUNCTION "ledger_is_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER "ledger_is_append_only" BEFORE UPDATE OR DELETE ON "ledger"
  FOR EACH STATEMENT EXECUTE FUNCTION "ledger_is_append_only"();

-- Nobody spends what is not there, whatever the code above thinks.
ALTER TABLE "meter" ADD CONSTRAINT "meter_balance_check" CHECK ("balance" >= 0);
ALTER TABLE "ledger" ADD CONSTRAINT "ledger_balance_check" CHECK ("balance" >= 0);
ALTER TABLE "ledger" ADD CONSTRAINT "ledger_kind_check"
  CHECK ("kind" IN ('top-up', 'charge', 'refund', 'correction', 'adjustment'));
