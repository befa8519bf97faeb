/*
 * transport_contract.h - what every transport must show of the namespace and of memfs below it,
 * seen by the system calls of programs.
 */
#ifndef TESTS_TRANSPORT_CONTRACT_H
#define TESTS_TRANSPORT_CONTRACT_H

/* Runs all tests on the transport `name`; returns how many failed. */
int transport_contract_run(const char *name);

#endif
