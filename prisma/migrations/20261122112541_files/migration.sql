-- CreateTable
CREATE TABLE "file" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "person_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "media_type" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "hash" BYTEA,
    "whole" BOOLEAN NOT NULL DEFAULT false,
    "due_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "file_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "file_content" (
    "hash" BYTEA NOT NULL,
    "due_at" TIMESTAMPTZ(3),

    CONSTRAINT "file_content_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "file_use" (
    "message_id" UUID NOT NULL,
    "file_id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "token" BYTEA,
    "token_hash" BYTEA,
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "file_use_pkey" PRIMARY KEY ("message_id","file_id")
);

-- CreateTable
CREATE TABLE "file_usage" (
    "workspace_id" UUID NOT NULL,
    "person_id" UUID NOT NULL,
    "bytes" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "file_usage_pkey" PRIMARY KEY ("workspace_id","person_id")
);

-- CreateIndex
CREATE INDEX "file_workspace_id_person_id_id_idx" ON "file"("workspace_id", "person_id", "id");

-- CreateIndex
CREATE INDEX "file_hash_idx" ON "file"("hash");

-- CreateIndex
CREATE INDEX "file_due_at_idx" ON "file"("due_at");

-- CreateIndex
CREATE INDEX "file_content_due_at_idx" ON "file_content"("due_at");

-- CreateIndex
CREATE UNIQUE INDEX "file_use_token_hash_key" ON "file_use"("token_hash");

-- CreateIndex
CREATE INDEX "file_use_file_id_idx" ON "file_use"("file_id");

-- CreateIndex
CREATE INDEX "file_use_account_id_idx" ON "file_use"("account_id");

-- AddForeignKey
ALTER TABLE "file" ADD CONSTRAINT "file_hash_fkey" FOREIGN KEY ("hash") REFERENCES "file_content"("hash") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "file_use" ADD CONSTRAINT "file_use_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "file"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
