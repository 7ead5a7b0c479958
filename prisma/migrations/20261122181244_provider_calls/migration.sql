-- AlterTable
ALTER TABLE "account" ADD COLUMN     "ingress_hash" BYTEA,
ADD COLUMN     "ingress_seal" BYTEA;

-- CreateTable
CREATE TABLE "ingress_item" (
    "sequence" BIGSERIAL NOT NULL,
    "account_id" UUID NOT NULL,
    "item" JSON NOT NULL,
    "size" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ingress_item_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "ingress_seen" (
    "account_id" UUID NOT NULL,
    "id" BYTEA NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ingress_seen_pkey" PRIMARY KEY ("account_id","id")
);

-- CreateIndex
CREATE INDEX "ingress_item_account_id_sequence_idx" ON "ingress_item"("account_id", "sequence");

-- CreateIndex
CREATE INDEX "ingress_seen_at_idx" ON "ingress_seen"("at");

-- AddForeignKey
ALTER TABLE "ingress_item" ADD CONSTRAINT "ingress_item_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ingress_seen" ADD CONSTRAINT "ingress_seen_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE CASCADE ON UPDATE CASCADE;
