package org.talespark.zoo.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.runtime.NativeRuntime.Report;
import org.talespark.zoo.runtime.NativeRuntime.Settings;

class NativeRuntimeTest {

  private static final long GIB = 1L << 30;
  private static final Set<String> ALL512 =
      Set.of("avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512dq");

  @AfterEach
  void twoThreadsAgain() {
    NativeRuntime.initialize(Settings.threads(2));
  }

  @Test
  void theBuildThatRunsIsTheOneForThisProcessor() {
    Report report = NativeRuntime.initialize(Settings.threads(2));
    String best =
        NativeBuild.choose(Processor.detect().flags(), NativeRuntime.available(report.platform()))
            .build()
            .extension();
    assertThat(report.build()).isEqualTo(best);
    assertThat(System.getProperty(NativeRuntime.EXTENSION_PROPERTY)).isEqualTo(best);
    assertThat(report.nd4jVersion()).startsWith("1.0.0");
    assertThat(report.backend()).contains("CpuBackend");
    assertThat(report.openblasConfig()).contains("OpenBLAS 0.3");
  }

  @Test
  void initializingTwiceGivesTheSameReport() {
    assertThat(NativeRuntime.initialize(Settings.threads(2)))
        .isSameAs(NativeRuntime.initialize(Settings.threads(2)));
  }

  @Test
  void anotherThreadCountIsAppliedToTheRunningLibrary() {
    assertThat(NativeRuntime.initialize(Settings.threads(1)).threads()).isOne();
    assertThat(Nd4j.getEnvironment().maxMasterThreads()).isOne();
    assertThat(NativeRuntime.initialize(Settings.threads(2)).threads()).isEqualTo(2);
    assertThat(Nd4j.getEnvironment().maxMasterThreads()).isEqualTo(2);
  }

  @Test
  void nativeCodeSeesTheEnvironmentThatTheReportNames() {
    Report report = NativeRuntime.initialize(Settings.threads(2));
    ProcessEnvironment environment = ProcessEnvironment.open();
    assertThat(report.environment()).containsKeys("OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS");
    report
        .environment()
        .forEach((name, value) -> assertThat(environment.value(name)).as(name).isEqualTo(value));
  }

  @Test
  void aVariableThatTheUserHasSetIsLeftAlone() {
    String path = System.getenv("PATH");
    ProcessEnvironment environment = ProcessEnvironment.open();
    assertThat(environment.setAbsent(java.util.Map.of("PATH", "/nowhere")))
        .containsEntry("PATH", path);
  }

  @Test
  void openBlasRunsTheKernelsThatItIsToldToOrElseThoseItFinds() {
    Report report = NativeRuntime.initialize(Settings.threads(2));
    Optional<String> told =
        Optional.ofNullable(System.getenv("OPENBLAS_CORETYPE"))
            .or(() -> OpenBlas.coreFor(Processor.detect()));
    assertThat(ProcessEnvironment.open().value("OPENBLAS_CORETYPE")).isEqualTo(told.orElse(null));
    assertThat(report.openblasConfig()).contains(report.openblasCore());
    told.ifPresent(core -> assertThat(report.openblasCore()).isEqualToIgnoringCase(core));
  }

  @Test
  void onlyProcessorsWithAvx512ThatOpenBlasTakesForOlderOnesGetACoreType() {
    assertThat(OpenBlas.coreFor(processor("AuthenticAMD", 25, 17, ALL512))).contains("SKYLAKEX");
    assertThat(OpenBlas.coreFor(processor("AuthenticAMD", 26, 2, ALL512))).contains("SKYLAKEX");
    assertThat(OpenBlas.coreFor(processor("AuthenticAMD", 25, 1, Set.of("avx2", "fma")))).isEmpty();
    assertThat(OpenBlas.coreFor(processor("GenuineIntel", 6, 0x55, ALL512))).isEmpty();
    assertThat(OpenBlas.coreFor(processor("GenuineIntel", 6, 0xcf, ALL512))).contains("SKYLAKEX");
    assertThat(OpenBlas.coreFor(new Processor("arm64", "", -1, -1, "", Set.of("asimd")))).isEmpty();
  }

  @Test
  void theFirstProcessorOfCpuinfoIsRead() {
    Processor processor =
        Processor.parse(
            "x86_64",
            List.of(
                "vendor_id\t: AuthenticAMD",
                "cpu family\t: 25",
                "model\t\t: 17",
                "model name\t: AMD EPYC",
                "flags\t\t: fpu avx2 fma",
                "",
                "model name\t: another",
                "flags\t\t: none"));
    assertThat(processor)
        .isEqualTo(
            new Processor(
                "x86_64", "AuthenticAMD", 25, 17, "AMD EPYC", Set.of("fpu", "avx2", "fma")));
  }

  @Test
  void aBudgetAboveTheOffHeapLimitIsRefusedWithTheOptionToSet() {
    MemoryLimits limits = new MemoryLimits(GIB, 2 * GIB, 0, 16 * GIB);
    assertThatCode(() -> limits.check(2 * GIB)).doesNotThrowAnyException();
    assertThatThrownBy(() -> limits.check(3 * GIB))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("-Dorg.bytedeco.javacpp.maxbytes=3072m");
  }

  @Test
  void aBudgetThatThePhysicalLimitCutsShortIsRefused() {
    assertThatThrownBy(() -> new MemoryLimits(GIB, 4 * GIB, 4 * GIB, 16 * GIB).check(4 * GIB))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("-Dorg.bytedeco.javacpp.maxphysicalbytes=5120m");
  }

  @Test
  void aBudgetThatTheMachineCannotHoldIsRefused() {
    assertThatThrownBy(() -> new MemoryLimits(GIB, 8 * GIB, 0, 4 * GIB).check(4 * GIB))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("fewer workers");
  }

  @Test
  void limitsThatPromiseMoreThanTheMachineHasAreAWarning() {
    assertThat(new MemoryLimits(GIB, 8 * GIB, 0, 4 * GIB).check(0)).hasSize(1);
  }

  @Test
  void settingsWithoutThreadsAreRefused() {
    assertThatThrownBy(() -> Settings.threads(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("threads=0");
  }

  private static Processor processor(String vendor, int family, int model, Set<String> flags) {
    return new Processor("x86_64", vendor, family, model, "", flags);
  }
}
