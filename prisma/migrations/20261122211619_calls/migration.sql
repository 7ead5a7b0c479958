-- CreateTable
CREATE TABLE "call" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "conversation_id" UUID NOT NULL,
    "identity_id" UUID,
    "direction" TEXT NOT NULL,
    "remote_id" TEXT,
    "address" TEXT NOT NULL,
    "from_address" TEXT,
    "person_id" UUID,
    "state" TEXT NOT NULL,
    "mine" TEXT,
    "theirs" TEXT,
    "code" TEXT,
    "remedy" TEXT,
    "detail" TEXT,
    "due_at" TIMESTAMPTZ(3),
    "principal" UUID,
    "key" TEXT,
    "body_hash" BYTEA,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "answered_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "call_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "call_account_id_id_idx" ON "call"("account_id", "id" DESC);

-- CreateIndex
CREATE INDEX "call_due_at_idx" ON "call"("due_at");

-- CreateIndex
CREATE INDEX "call_person_id_created_at_idx" ON "call"("person_id", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "call_account_id_remote_id_key" ON "call"("account_id", "remote_id");

-- CreateIndex
CREATE UNIQUE INDEX "call_workspace_id_principal_key_key" ON "call"("workspace_id", "principal", "key");

-- AddForeignKey
ALTER TABLE "call" ADD CONSTRAINT "call_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE CASCADE ON UPDATE CASCADE;
