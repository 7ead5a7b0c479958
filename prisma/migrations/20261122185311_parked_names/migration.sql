-- AlterTable
ALTER TABLE "parked_receipt" ADD COLUMN     "rank" SMALLINT NOT NULL DEFAULT 0,
ADD COLUMN     "receipt_id" UUID;

-- What is parked already waits for one id.
UPDATE "parked_receipt" SET "receipt_id" = "id";
ALTER TABLE "parked_receipt" ALTER COLUMN "receipt_id" SET NOT NULL;

-- CreateIndex
CREATE INDEX "parked_receipt_receipt_id_idx" ON "parked_receipt"("receipt_id");
