-- AlterTable
ALTER TABLE "conversation" ADD COLUMN     "standing" BOOLEAN NOT NULL DEFAULT false;
