-- CreateTable
CREATE TABLE "roster_item" (
    "account_id" UUID NOT NULL,
    "address" TEXT NOT NULL,
    "listed" BOOLEAN NOT NULL,
    "name" TEXT,
    "groups" TEXT[],
    "subscription" TEXT NOT NULL,
    "asks" BOOLEAN NOT NULL,
    "awaited" BOOLEAN NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "roster_item_pkey" PRIMARY KEY ("account_id","address")
);

-- AddForeignKey
ALTER TABLE "roster_item" ADD CONSTRAINT "roster_item_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE CASCADE ON UPDATE CASCADE;
