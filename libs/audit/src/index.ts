export { AuditModule } from './audit.module.js';
export { Audit, type AuditAction, type AuditEntry, type AuditFacts } from './audit.service.js';
