-- AlterTable
ALTER TABLE "conversation" ADD COLUMN     "answers" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "answers_since" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "opt_out" (
    "account_id" UUID NOT NULL,
    "address" TEXT NOT NULL,
    "opted_out" BOOLEAN NOT NULL,
    "person_id" UUID,
    "message_id" UUID,
    "reason" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "opt_out_pkey" PRIMARY KEY ("account_id","address")
);

-- AddForeignKey
ALTER TABLE "opt_out" ADD CONSTRAINT "opt_out_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE CASCADE ON UPDATE CASCADE;
