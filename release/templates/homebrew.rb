class RolloutGuard < Formula
  desc "Check Argo Rollouts and their Istio objects"
  homepage "@REPOSITORY@"
  url "@DOWNLOADS@/rollout-guard-@VERSION@-source.tar.gz"
  sha256 "@SHA256_SOURCE@"
  license "Apache-2.0"

  depends_on "rust" => :build

  def install
    ENV["ROLLOUT_GUARD_COMMIT"] = "@COMMIT@"
    system "cargo", "install", *std_cargo_args
    generate_completions_from_executable(bin/"rollout-guard", "completions")
    system bin/"rollout-guard", "man", man1
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/rollout-guard --version")
    assert_match "RG202", shell_output("#{bin}/rollout-guard explain RG202")
  end
end
